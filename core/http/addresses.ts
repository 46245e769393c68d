/**
 * Which hosts are public: IP addresses by the special-purpose registries of IANA (RFC 6890 and its updates), names by their ending.
 * Hosts come in the canonical form of the URL standard, in which an address has one spelling whatever disguise it came in.
 */

/** Blocks of IPv4 that are not public: first address, length of the prefix in bits, what it is. */
const V4_BLOCKS: readonly (readonly [number, number, string])[] = [
  [0x00000000, 8, "an unspecified address"],
  [0x0a000000, 8, "a private address"],
  [0x64400000, 10, "a private address of a carrier's network"],
  [0x7f000000, 8, "a loopback address"],
  [0xa83f8110, 32, "a metadata address"],
  [0xa9fe0000, 16, "a link-local address, where metadata services live"],
  [0xac100000, 12, "a private address"],
  [0xc0000000, 24, "a reserved address"],
  [0xc0000200, 24, "an address for documentation"],
  [0xc0586300, 24, "a reserved address"],
  [0xc0a80000, 16, "a private address"],
  [0xc6120000, 15, "an address for benchmarks"],
  [0xc6336400, 24, "an address for documentation"],
  [0xcb007100, 24, "an address for documentation"],
  [0xe0000000, 4, "a multicast address"],
  [0xf0000000, 4, "a reserved or broadcast address"],
];

/** Blocks of IPv6 that are not public although they lie in 2000::/3, and those outside that have a name: as above, by the first two groups. */
const V6_BLOCKS: readonly (readonly [number, number, string])[] = [
  [0x20010000, 23, "a reserved or tunnelled address"],
  [0x20010db8, 32, "an address for documentation"],
  [0x3fff0000, 20, "an address for documentation"],
  [0xfc000000, 7, "a private address"],
  [0xfe800000, 10, "a link-local address"],
  [0xff000000, 8, "a multicast address"],
];

/** Endings of names that no public name server answers for (RFC 6761, 6762, 8375, 9476 and common practice). */
const LOCAL_NAME = /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|svc|home\.arpa)$/;
/** Public names of metadata services. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata.goog",
  "metadata.packet.net",
  "metadata.platformequinix.com",
  "metadata.tencentyun.com",
]);

/** Why a host is not public, in words that follow "is"; `undefined` when it is public as far as its text tells. */
export function notPublic(host: string): string | undefined {
  if (host.startsWith("[")) return v6NotPublic(groupsOf(host.slice(1, -1)));
  if (/^[\d.]+$/.test(host)) return v4NotPublic(host.split(".").reduce((sum, part) => sum * 256 + Number(part), 0));
  if (METADATA_NAMES.has(host)) return "the name of a metadata service";
  if (LOCAL_NAME.test(host)) return "a name inside a local network";
  return host.includes(".") ? undefined : "a name without a dot, which only a local network knows";
}

function v4NotPublic(address: number): string | undefined {
  return V4_BLOCKS.find((block) => isIn(address, block))?.[2];
}

function v6NotPublic(groups: readonly number[]): string | undefined {
  const [g0 = 0, g1 = 0, , , g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups;
  const isZeroTo = (index: number): boolean => groups.slice(0, index).every((group) => group === 0);
  const last = pair(g6, g7);
  if (isZeroTo(6) && last <= 1) return last === 0 ? "an unspecified address" : "a loopback address";
  const isMapped = isZeroTo(5) && g5 === 0xffff;
  const isTranslated = g0 === 0x64 && g1 === 0xff9b && groups.slice(2, 6).every((group) => group === 0);
  if (isMapped || isTranslated) return v4NotPublic(last);
  const isTunnelInside = (g4 & 0xfdff) === 0 && g5 === 0x5efe;
  const inside =
    (g0 === 0x2002 ? v4NotPublic(pair(g1, groups[2] ?? 0)) : undefined) ??
    (isTunnelInside ? v4NotPublic(last) : undefined);
  const known = V6_BLOCKS.find((block) => isIn(pair(g0, g1), block))?.[2];
  return inside ?? known ?? (g0 >>> 13 === 1 ? undefined : "a reserved address");
}

function isIn(address: number, [first, bits]: readonly [number, number, string]): boolean {
  return Math.floor(address / 2 ** (32 - bits)) === Math.floor(first / 2 ** (32 - bits));
}

function pair(high: number, low: number): number {
  return high * 0x10000 + low;
}

/** The eight groups of an IPv6 address in canonical text. */
function groupsOf(text: string): number[] {
  const [before = "", after] = text.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [head, tail] = [parse(before), parse(after ?? "")];
  return [...head, ...new Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail];
}
