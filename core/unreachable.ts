/** The default of an exhaustive switch: compiles only when every case is handled. */
export function unreachable(value: never): never {
  throw new TypeError(`Not a known case: ${JSON.stringify(value)}`);
}
