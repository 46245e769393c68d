/** Small questions about what is stored. */
import { defaultCodec } from "holdfast";
import type { InstanceRecord } from "../../../core/store/contract.ts";

/** The value of a stored payload. */
export function decode(text: string | undefined): unknown {
  return text === undefined ? undefined : defaultCodec.decode(text);
}

/** Whether an instance has ended. */
export function isFinal({ status }: InstanceRecord): boolean {
  return status === "Completed" || status === "Failed" || status === "Terminated" || status === "Canceled";
}
