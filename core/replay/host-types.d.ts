/** The one name of a host's type that definitions mention (an activity's context has one). Here it is a name and no more. */
interface AbortSignal {
  readonly aborted: boolean;
}
