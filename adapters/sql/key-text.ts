/**
 * Text as a key. SQLite orders text by code points, JavaScript by UTF-16 units; the two differ from U+D800 on, and a half
 * surrogate does not survive as UTF-8 at all. Keys therefore carry every unit from U+D800 on as a code point of its own
 * beyond U+FFFF: ordinary text stays as it is, any text comes back unchanged, and keys sort as JavaScript sorts the texts.
 */
const FIRST_UNIT = 0xd800;
const FIRST_CODE_POINT = 0x10000;
const HAS_SUCH_UNITS = /[\ud800-\uffff]/;

/** The key of a text. */
export function keyOf(text: string): string {
  if (!HAS_SUCH_UNITS.test(text)) return text;
  let key = "";
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    key += String.fromCodePoint(unit < FIRST_UNIT ? unit : unit - FIRST_UNIT + FIRST_CODE_POINT);
  }
  return key;
}

/** The text of a key: the inverse of `keyOf`. */
export function textOf(key: string): string {
  if (!HAS_SUCH_UNITS.test(key)) return key;
  let text = "";
  for (const character of key) {
    const codePoint = character.codePointAt(0) ?? 0;
    text += String.fromCharCode(codePoint < FIRST_CODE_POINT ? codePoint : codePoint - FIRST_CODE_POINT + FIRST_UNIT);
  }
  return text;
}

/** A key that comes after every key that begins with `key`, and before every other key that is greater than it. */
export function endOfKeysWith(key: string): string {
  return `${key}\u{10ffff}`;
}
