/** The bodies of the management API as JSON Schema, for its OpenAPI description. */

/** A piece of an OpenAPI document. */
export type Description = { readonly [member: string]: unknown };

const text: Description = { type: "string" };
const nullable = (description: string): Description => ({ description });

/** The runtime statuses, as the API writes them. */
export const runtimeStatus: Description = {
  type: "string",
  enum: ["Pending", "Running", "Completed", "Failed", "Terminated", "Canceled", "Suspended", "ContinuedAsNew"],
};

/** An object whose members are all there, but those named in `optional`. */
function objectOf(properties: Record<string, Description>, optional: readonly string[] = []): Description {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

const instant: Description = { type: "string", format: "date-time" };
const uri = (description: string): Description => ({ type: "string", description });

/** The schemas by the names that `#/components/schemas/…` refers to. */
export const schemas: Readonly<Record<string, Description>> = {
  ManagementPayload: objectOf({
    id: text,
    statusQueryGetUri: uri("GET: the status of the instance."),
    sendEventPostUri: uri("POST: raises an event; fill in {eventName}."),
    terminatePostUri: uri("POST: terminates the instance; fill in {text}."),
    rewindPostUri: uri("POST: rewinds a failed instance; fill in {text}."),
    purgeHistoryDeleteUri: uri("DELETE: purges the finished instance."),
    restartPostUri: uri("POST: restarts the instance."),
    suspendPostUri: uri("POST: suspends the instance; fill in {text}."),
    resumePostUri: uri("POST: resumes the instance; fill in {text}."),
  }),
  Status: objectOf(
    {
      name: { ...text, description: "Name of the orchestrator." },
      instanceId: text,
      runtimeStatus,
      input: nullable("What it was started with; null when there is none or it is not shown."),
      customStatus: nullable("What the orchestrator last set; null when there is none."),
      output: nullable("The result; of a failed instance the error's message, of a terminated one the reason."),
      createdTime: instant,
      lastUpdatedTime: instant,
      historyEvents: { type: "array", items: { $ref: "#/components/schemas/HistoryEntry" } },
    },
    ["historyEvents"],
  ),
  HistoryEntry: objectOf(
    {
      EventType: text,
      Timestamp: instant,
      FunctionName: text,
      Name: { ...text, description: "Name of an external event." },
      Input: nullable("Shown unless showInput is false."),
      Result: nullable("Shown when showHistoryOutput is true."),
      Reason: nullable("Why something failed, was held or was ended."),
      ScheduledTime: instant,
      FireAt: instant,
      OrchestrationStatus: runtimeStatus,
    },
    ["FunctionName", "Name", "Input", "Result", "Reason", "ScheduledTime", "FireAt", "OrchestrationStatus"],
  ),
  Purged: objectOf({ instancesDeleted: { type: "integer", minimum: 0 } }),
  Entity: objectOf({
    entityId: objectOf({ name: text, key: text }),
    lastOperationTime: instant,
    state: nullable("Shown when fetchState is true."),
  }),
  Problem: objectOf({
    error: objectOf({
      code: { ...text, description: "What kind of error it is; stable across releases." },
      name: { ...text, description: "Name of the error's class." },
      message: text,
    }),
  }),
};
