/** A codec that encrypts, through WebCrypto: AES-GCM with a nonce of its own for each value, as base64 text. */
import { type Codec, defaultCodec } from "holdfast";

const key = await crypto.subtle.importKey("raw", new Uint8Array(32).fill(7), "AES-GCM", false, ["encrypt", "decrypt"]);

export const aesGcm: Codec = {
  async encode(value) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(defaultCodec.encode(value));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain));
    return btoa([...iv, ...sealed].map((byte) => String.fromCharCode(byte)).join(""));
  },
  async decode(text) {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, key, bytes.slice(12));
    return defaultCodec.decode(new TextDecoder().decode(plain));
  },
};
