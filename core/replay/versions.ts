/**
 * Order of versions. Source: Durable Task version comparison: blank is lowest; up to four numeric parts compare as numbers
 * (a missing part is 0); anything else compares as text without case.
 */
const NUMERIC = /^\d+(\.\d+){0,3}$/;

/** Negative, 0 or positive as `a` is older than, equal to or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.trim(), b.trim()];
  if (left === "" || right === "") return Number(left !== "") - Number(right !== "");
  if (NUMERIC.test(left) && NUMERIC.test(right)) {
    const [x, y] = [left.split(".").map(Number), right.split(".").map(Number)];
    for (let i = 0; i < 4; i++) {
      const difference = (x[i] ?? 0) - (y[i] ?? 0);
      if (difference !== 0) return Math.sign(difference);
    }
    return 0;
  }
  const [x, y] = [left.toLowerCase(), right.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}
