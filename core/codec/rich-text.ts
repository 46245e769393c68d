/**
 * The text of payloads that plain JSON has no form for: `{"$superjson":1,"json":…,"meta":…}`.
 *
 * `json` and `meta` are superjson's own; what `json` holds beyond superjson is told in `tagged.ts`. The number is the version of this form.
 */
import { SuperJSON } from "superjson";
import { type ClassReader, TreeReader, TreeWriter } from "./tagged.ts";

type Serialized = ReturnType<SuperJSON["serialize"]>;

/** How every rich text begins. A plain text that begins so is stored in the rich form, so reading is never ambiguous. */
export const RICH_TEXT_START = '{"$superjson":';
const VERSION = 1;
/** The annotations our trees need. Others are refused on reading: they reach parts of superjson that hostile text could misuse. */
const KNOWN_ANNOTATIONS: ReadonlySet<unknown> = new Set([
  "undefined",
  "bigint",
  "Date",
  "regexp",
  "set",
  "map",
  "number",
  "URL",
]);

const superjson: SuperJSON = /* @__PURE__ */ new SuperJSON({ dedupe: false });

/** Writes a snapshot as rich text, and uses it up. */
export function writeRichText(snapshot: unknown, shared: ReadonlySet<unknown> | undefined): string {
  const { json, meta } = superjson.serialize(new TreeWriter(shared).write(snapshot));
  return JSON.stringify({
    $superjson: VERSION,
    json,
    ...(meta?.values && { meta: { values: meta.values, v: meta.v } }),
  });
}

/**
 * Reads rich text.
 * @throws whatever comes up for text that nothing of ours wrote.
 */
export function readRichText(text: string, readClass: ClassReader): unknown {
  const { $superjson: version, json, meta } = JSON.parse(text) as { $superjson: unknown } & Serialized;
  if (version !== VERSION) {
    throw new TypeError(`its form is ${JSON.stringify(version)}, and this release reads form ${VERSION}`);
  }
  if (meta?.values) refuseUnknownAnnotations(meta.values);
  const tree: unknown = superjson.deserialize(
    { json, ...(meta?.values && { meta: { values: meta.values, v: 1 } }) },
    { inPlace: true },
  );
  return new TreeReader(readClass).read(tree);
}

function refuseUnknownAnnotations(values: unknown): void {
  const [type, children] = Array.isArray(values) ? (values as readonly unknown[]) : [undefined, values];
  if (Array.isArray(values) && !KNOWN_ANNOTATIONS.has(type))
    throw new TypeError(`it names the type ${JSON.stringify(type)}, which payloads do not use`);
  if (typeof children === "object" && children !== null) Object.values(children).forEach(refuseUnknownAnnotations);
}
