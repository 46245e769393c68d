/**
 * The same values, with a `return` that takes effect at once: a generator alone would first wait for its next value, perhaps for ever.
 * `stop` must end the wait for that value.
 */
export function stoppable<T>(
  values: AsyncGenerator<T, void, undefined>,
  stop: () => void,
): AsyncGenerator<T, void, undefined> {
  const finish = values.return.bind(values);
  values.return = (value) => {
    stop();
    return finish(value);
  };
  return values;
}
