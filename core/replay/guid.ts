/**
 * Deterministic identifiers and numbers.
 * `nameGuid` is UUID version 5 (RFC 9562, SHA-1 of namespace and name) in the namespace that the Durable Task SDKs use for `newGuid`.
 */

const NAMESPACE = [0x9e952958, 0x5e334daf, 0x827f2fa1, 0x2937b875] as const;

/** The UUID version 5 of a name. */
export function nameGuid(name: string): string {
  const hash = sha1(utf8(name));
  const word = (index: number): number => hash[index] ?? 0;
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
  const time = hex((word(1) & 0xffff0fff) | 0x5000);
  const clock = hex((word(2) & 0x3fffffff) | 0x80000000);
  return `${hex(word(0))}-${time.slice(0, 4)}-${time.slice(4)}-${clock.slice(0, 4)}-${clock.slice(4)}${hex(word(3))}`;
}

/** UTF-8 bytes of a text; a lone surrogate becomes U+FFFD. */
function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}

/** SHA-1 (FIPS 180-4) of the namespace followed by `bytes`, as five 32-bit words. Synchronous, because replay is. */
function sha1(bytes: readonly number[]): Int32Array {
  const length = 16 + bytes.length;
  const blocks = new Int32Array((((length + 8) >> 6) + 1) * 16);
  blocks.set(NAMESPACE);
  bytes.forEach((byte, index) => {
    const at = 16 + index;
    blocks[at >> 2] = (blocks[at >> 2] ?? 0) | (byte << (24 - (at & 3) * 8));
  });
  blocks[length >> 2] = (blocks[length >> 2] ?? 0) | (0x80 << (24 - (length & 3) * 8));
  blocks[blocks.length - 1] = length * 8;
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const w = new Int32Array(80);
  for (let block = 0; block < blocks.length; block += 16) {
    w.set(blocks.subarray(block, block + 16));
    compress(state, w);
  }
  return state;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function compress(state: Int32Array, w: Int32Array): void {
  for (let i = 16; i < 80; i++)
    w[i] = rotate((w[i - 3] ?? 0) ^ (w[i - 8] ?? 0) ^ (w[i - 14] ?? 0) ^ (w[i - 16] ?? 0), 1);
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
  for (let i = 0; i < 80; i++) {
    const [mix, constant] =
      i < 20
        ? [(b & c) | (~b & d), 0x5a827999]
        : i < 40
          ? [b ^ c ^ d, 0x6ed9eba1]
          : i < 60
            ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
            : [b ^ c ^ d, 0xca62c1d6];
    const next = (rotate(a, 5) + mix + e + constant + (w[i] ?? 0)) | 0;
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  [a, b, c, d, e].forEach((value, index) => {
    state[index] = ((state[index] ?? 0) + value) | 0;
  });
}

/** A stream of numbers in [0, 1) that depends on the seed alone (FNV-1a seeding, mulberry32). */
export function seededRandom(seed: string): () => number {
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
