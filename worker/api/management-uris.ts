/** The addresses at which one instance is managed. Source: `HttpManagementPayload` of Durable Functions. */

/** Where the management API is, below the origin. */
export const MANAGEMENT_PATH = "/runtime/webhooks/durabletask";

/** What the addresses of one request's answer are made of. */
export interface Address {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  readonly taskHub: string;
  /** The key, when one is in use. Whoever has the addresses may then manage the instance. */
  readonly code?: string | undefined;
}

/** The answer to a start: the instance and its addresses. `{eventName}` and `{text}` stand for what the caller fills in. */
export interface ManagementPayload {
  readonly id: string;
  readonly statusQueryGetUri: string;
  readonly sendEventPostUri: string;
  readonly terminatePostUri: string;
  readonly rewindPostUri: string;
  readonly purgeHistoryDeleteUri: string;
  readonly restartPostUri: string;
  readonly suspendPostUri: string;
  readonly resumePostUri: string;
}

/** The nine members of the management payload. */
export function managementPayload(id: string, address: Address): ManagementPayload {
  const instance = `${address.origin}${MANAGEMENT_PATH}/instances/${encodeURIComponent(id)}`;
  const code = address.code === undefined ? "" : `&code=${encodeURIComponent(address.code)}`;
  const access = `taskHub=${encodeURIComponent(address.taskHub)}${code}`;
  const withReason = (action: string): string => `${instance}/${action}?reason={text}&${access}`;
  return {
    id,
    statusQueryGetUri: `${instance}?${access}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${access}`,
    terminatePostUri: withReason("terminate"),
    rewindPostUri: withReason("rewind"),
    purgeHistoryDeleteUri: `${instance}?${access}`,
    restartPostUri: `${instance}/restart?${access}`,
    suspendPostUri: withReason("suspend"),
    resumePostUri: withReason("resume"),
  };
}
