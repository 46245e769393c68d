/** Where inside a value: `$.a[3].b`. Paths are put together only when something is refused. */

/** One step into a value: a member's name, an element's index, or a step that is already written out. */
export type PathStep = string | number | { readonly text: string };

const NAME = /^[A-Za-z_$][\w$]*$/;
/** Longest path a message shows in full, in UTF-16 units; deeply nested values have paths of thousands. */
const SHOWN_LENGTH_MAX = 160;

/** The path in the form `$.a[3].b`; names that are no identifiers are quoted: `$["a b"]`. */
export function pathText(steps: readonly PathStep[]): string {
  let text = "$";
  for (const step of steps) {
    if (typeof step === "number") text += `[${step}]`;
    else if (typeof step === "object") text += step.text;
    else text += NAME.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** The path as a message shows it: the middle of a very long one is left out. */
export function shownPath(path: string): string {
  return path.length <= SHOWN_LENGTH_MAX
    ? path
    : `${path.slice(0, SHOWN_LENGTH_MAX / 2)}…${path.slice(-SHOWN_LENGTH_MAX / 2)}`;
}
