/** What several rounds of one measurement come to. */

/** The value below which a share of the numbers lies, interpolated; `share` is between 0 and 1. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position % 1);
}

export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** The width of the middle half of the numbers, as a share of their median: how much the machine disturbs. */
export function spread(numbers: readonly number[]): number {
  return (quantile(numbers, 0.75) - quantile(numbers, 0.25)) / median(numbers);
}
