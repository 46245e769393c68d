/**
 * Texts that are too long for one row. Durable Objects refuse a value or row over 2 MB in production (not locally), so a
 * longer text is cut into chunk rows. A chunk that did not change is not written again: rewriting a record costs nothing
 * for the large input at its front.
 */
import { SQL_BOUNDS } from "./bounds.ts";
import type { SqlDriver } from "./driver.ts";

/** Most UTF-8 bytes that one UTF-16 unit turns into. */
const BYTES_PER_UNIT_MAX = 3;

/** Which text: of an instance's record or entity (number 0), of a turn (its index), or of an inbox message (its sequence). */
export interface TextPlace {
  readonly hub: number;
  /** Key of the instance. */
  readonly id: string;
  readonly kind: "record" | "entity" | "turn" | "message";
  readonly number: number;
}

/**
 * Cuts a text into pieces of at most `bytesMax` UTF-8 bytes, never inside a character; `undefined` when it is short enough.
 * The text must be well formed, as JSON text always is.
 */
export function chunksOf(text: string, bytesMax: number = SQL_BOUNDS.rowTextBytesMax): string[] | undefined {
  if (text.length * BYTES_PER_UNIT_MAX <= bytesMax) return undefined;
  const chunks: string[] = [];
  let [start, bytes] = [0, 0];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    const isPair = unit >= 0xd800 && unit < 0xdc00;
    const size = unit < 0x80 ? 1 : unit < 0x800 ? 2 : isPair ? 4 : 3;
    if (bytes + size > bytesMax) {
      chunks.push(text.slice(start, index));
      [start, bytes] = [index, 0];
    }
    bytes += size;
    if (isPair) index++;
  }
  if (chunks.length === 0) return undefined;
  chunks.push(text.slice(start));
  return chunks;
}

/** Answers what goes into the row itself: the text, or `null` after a long text was put into chunk rows. */
export function putText(driver: SqlDriver, place: TextPlace, text: string): string | null {
  const chunks = chunksOf(text);
  if (chunks === undefined) return text;
  chunks.forEach((chunk, index) => {
    driver.run(
      `INSERT INTO holdfast_chunks (hub, instanceId, kind, number, chunk, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT (hub, instanceId, kind, number, chunk) DO UPDATE SET text = excluded.text WHERE text <> excluded.text`,
      place.hub,
      place.id,
      place.kind,
      place.number,
      index,
      chunk,
    );
  });
  dropChunks(driver, place, chunks.length);
  return null;
}

/** The text of a row whose column said `inRow`. */
export function getText(driver: SqlDriver, place: TextPlace, inRow: string | null): string {
  if (inRow !== null) return inRow;
  const rows = driver.all<{ text: string }>(
    `SELECT text FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2 AND kind = ?3 AND number = ?4 ORDER BY chunk`,
    place.hub,
    place.id,
    place.kind,
    place.number,
  );
  return rows.map(({ text }) => text).join("");
}

/** Drops the chunks of a text from number `from` on. */
export function dropChunks(driver: SqlDriver, place: TextPlace, from = 0): void {
  driver.run(
    `DELETE FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2 AND kind = ?3 AND number = ?4 AND chunk >= ?5`,
    place.hub,
    place.id,
    place.kind,
    place.number,
    from,
  );
}
