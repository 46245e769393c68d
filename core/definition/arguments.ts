/** The arguments of a call after its target: the input, which may be left out when `undefined` is a legal one. */
export type InputArguments<TInput> = undefined extends TInput ? [input?: TInput] : [input: TInput];
