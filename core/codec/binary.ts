/**
 * Binary data as text: base64 of the bytes a view shows, in the byte order of the machine (little-endian wherever JavaScript runs today).
 *
 * B1. Only a view's own bytes are kept, never the rest of its buffer: Node's small Buffers share one pool with strangers.
 * B2. Text names one of the language's own binary types or is refused; it never picks another global.
 */
type TypedArrayConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;

interface Host {
  btoa(binary: string): string;
  atob(text: string): string;
  readonly [typeName: string]: unknown;
}
const host = globalThis as unknown as Host;

const TYPED_ARRAY_NAME = /^(?:(?:Int|Uint)(?:8|16|32)|Uint8Clamped|Float(?:16|32|64)|Big(?:Int|Uint)64)Array$/;
/** Characters built from bytes at once: arguments of one call, well below every engine's limit. */
const CHUNK_BYTES = 8_192;

const typedArrayName = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined;

/** The language's own name of a binary value's type: `"Uint8Array"` for a Node Buffer too, `"DataView"`, `"ArrayBuffer"`. */
export function binaryType(value: ArrayBufferView | ArrayBuffer): string {
  return typedArrayName.call(value) ?? (ArrayBuffer.isView(value) ? "DataView" : "ArrayBuffer");
}

/**
 * The bytes of a binary value, not copied.
 * @throws TypeError when its buffer was detached (transferred elsewhere).
 */
export function bytesOf(value: ArrayBufferView | ArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Base64 of the bytes. */
export function base64From(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    binary += String.fromCharCode.apply(null, bytes.subarray(start, start + CHUNK_BYTES) as unknown as number[]);
  }
  return host.btoa(binary);
}

/**
 * Rebuilds a binary value from its type and base64 text.
 * @throws TypeError for a type that is not a binary type of this runtime; the host's error for text that is not base64 or does not fit the type.
 */
export function binaryFrom(type: string, text: string): object {
  const binary = host.atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  if (type === "ArrayBuffer") return bytes.buffer;
  if (type === "DataView") return new DataView(bytes.buffer);
  const TypedArray = TYPED_ARRAY_NAME.test(type) ? host[type] : undefined;
  if (typeof TypedArray !== "function") throw new TypeError(`'${type}' is not a binary type of this runtime`);
  return new (TypedArray as TypedArrayConstructor)(bytes.buffer);
}
