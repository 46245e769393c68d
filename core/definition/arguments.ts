/** The rest of a call's arguments: the input may be left out when `undefined` is a legal one. */
export type InputAndOptions<TInput, TOptions> = undefined extends TInput
  ? [input?: TInput, options?: TOptions]
  : [input: TInput, options?: TOptions];
