/** The OpenAPI description of the management API: every route, parameter, status and body. Served at `/openapi.json`. */
import { MANAGEMENT_PATH } from "./management-uris.ts";
import { type Description, runtimeStatus, schemas } from "./openapi-schemas.ts";

/** Where the description is, below the origin. Reading it needs no key. */
export const OPENAPI_PATH = "/openapi.json";

const text: Description = { type: "string" };
const flag = (otherwise: boolean): Description => ({ type: "boolean", default: otherwise });
const instant: Description = { type: "string", format: "date-time" };
const seconds: Description = { type: "number", minimum: 0, maximum: 86_400 };
const statuses: Description = {
  type: "string",
  description: `Comma-separated: ${(runtimeStatus.enum as string[]).join(", ")}.`,
};

function inPath(name: string, description: string): Description {
  return { name, in: "path", required: true, description, schema: text };
}
function inQuery(name: string, schema: Description, description: string, required = false): Description {
  return { name, in: "query", description, schema, ...(required && { required }) };
}

const id = inPath("instanceId", "1 to 100 characters; none of / \\ # ?, no control characters, not starting with @.");
const entityName = inPath("entityName", "Name of the entity; its case does not matter.");
const entityKey = inPath("entityKey", "Key of the entity.");
const reason = inQuery("reason", text, "Why; kept in the history.");
const recursive = inQuery("recursive", flag(false), "Children too.");
const showInput = inQuery("showInput", flag(true), "Whether inputs are told.");
const failureIsServerError = inQuery(
  "returnInternalServerErrorOnFailure",
  flag(false),
  "Answer 500 rather than 200 for a failed instance.",
);
const waiting: readonly Description[] = [
  inQuery("timeout", seconds, "Wait so many seconds for the result before answering with addresses."),
  inQuery("pollingInterval", seconds, "Must not exceed timeout. The result is told as soon as it is there."),
  failureIsServerError,
];
const paging: readonly Description[] = [
  inQuery("top", { type: "integer", minimum: 1, default: 100 }, "Values a page."),
  { name: "x-ms-continuation-token", in: "header", description: "From the page before.", schema: text },
];
const createdTo = inQuery("createdTimeTo", instant, "Created at or before.");
const filter = inQuery("runtimeStatus", statuses, "Only instances in these statuses.");

const json = (schema: Description): Description => ({ "application/json": { schema } });
const ref = (name: string): Description => ({ $ref: `#/components/schemas/${name}` });
const listOf = (name: string): Description => ({ type: "array", items: ref(name) });
const payload: Description = { content: json({ description: "Any JSON value." }) };

const PROBLEMS: Readonly<Record<number, string>> = {
  400: "Something in the request cannot be understood or is not known.",
  401: "The key is missing or wrong.",
  403: "The worker has no key, and the request is not a local one.",
  404: "There is no such instance or entity.",
  409: "Not possible in the status the instance is in.",
  410: "The instance is finished.",
  413: "The body is too large.",
  429: "The hub has more requests than it can serve.",
  503: "The hub cannot be reached at the moment.",
};
/** Statuses that any request may be answered with. */
const EVERYWHERE: readonly number[] = [400, 401, 403, 429, 503];

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly Description[];
  readonly body?: boolean;
  /** Answers that are no errors. */
  readonly answers: Description;
  /** Statuses of errors beside those that any request may meet. */
  readonly problems?: readonly number[];
}

function operation({ operationId, summary, parameters, body, answers, problems = [] }: Operation): Description {
  const errors = [...EVERYWHERE, ...problems].map((status) => [
    status,
    { description: PROBLEMS[status], content: json(ref("Problem")) },
  ]);
  return {
    operationId,
    summary,
    parameters: [...parameters, { $ref: "#/components/parameters/taskHub" }],
    ...(body && { requestBody: payload }),
    responses: { ...Object.fromEntries(errors), ...answers },
  };
}

const accepted: Description = { 202: { description: "Accepted, and durable." } };
const started: Description = {
  200: { description: "With timeout: the result, or the status of what did not complete.", content: json({}) },
  202: { description: "The addresses of the instance.", content: json(ref("ManagementPayload")) },
};
const status = (description: string): Description => ({ description, content: json(ref("Status")) });

const startOne: Omit<Operation, "operationId" | "parameters"> = {
  summary: "Starts an orchestration",
  body: true,
  answers: started,
  problems: [409, 413],
};
const functionName = inPath("functionName", "Name of the orchestrator; its case matters.");

/** A command of one instance: `POST /instances/{instanceId}/…`. */
function command(
  name: string,
  summary: string,
  parameters: readonly Description[],
  more: readonly number[] = [],
): Description {
  const operationId = `${name}Orchestration`;
  return {
    post: operation({
      operationId,
      summary,
      parameters: [id, ...parameters],
      answers: accepted,
      problems: [404, 410, ...more],
    }),
  };
}

/** Paths of instances, below the management path. */
const instancePaths: Readonly<Record<string, Description>> = {
  "/orchestrators/{functionName}": {
    post: operation({ ...startOne, operationId: "startOrchestration", parameters: [functionName, ...waiting] }),
  },
  "/orchestrators/{functionName}/{instanceId}": {
    post: operation({
      ...startOne,
      operationId: "startOrchestrationWithId",
      parameters: [functionName, id, ...waiting],
    }),
  },
  "/instances": {
    get: operation({
      operationId: "listOrchestrations",
      summary: "Lists instances in the order of their creation",
      parameters: [
        filter,
        inQuery("createdTimeFrom", instant, "Created at or after."),
        createdTo,
        inQuery("instanceIdPrefix", text, "Only ids that begin with this."),
        showInput,
        ...paging,
      ],
      answers: {
        200: { description: "A page; go on with its x-ms-continuation-token.", content: json(listOf("Status")) },
      },
    }),
    delete: operation({
      operationId: "purgeOrchestrations",
      summary: "Purges finished instances",
      parameters: [inQuery("createdTimeFrom", instant, "Created at or after.", true), createdTo, filter],
      answers: {
        200: { description: "How many are gone.", content: json(ref("Purged")) },
        404: { description: "None fits.", content: json(ref("Purged")) },
      },
    }),
  },
  "/instances/{instanceId}": {
    get: operation({
      operationId: "getOrchestrationStatus",
      summary: "Tells the status of an instance",
      parameters: [
        id,
        showInput,
        inQuery("showHistory", flag(false), "Tell the history too."),
        inQuery("showHistoryOutput", flag(false), "Tell the results in the history."),
        failureIsServerError,
      ],
      answers: {
        200: status("It is finished."),
        202: status("It is not finished."),
        500: status("It failed, and the caller asked for 500."),
      },
      problems: [404],
    }),
    delete: operation({
      operationId: "purgeOrchestration",
      summary: "Purges a finished instance",
      parameters: [id, recursive],
      answers: { 200: { description: "It is gone.", content: json(ref("Purged")) } },
      problems: [404, 409],
    }),
  },
  "/instances/{instanceId}/raiseEvent/{eventName}": {
    post: operation({
      operationId: "raiseOrchestrationEvent",
      summary: "Raises an external event",
      parameters: [
        id,
        inPath("eventName", "Name of the event."),
        inQuery("eventId", text, "Raising an event again under the same id has no effect."),
      ],
      body: true,
      answers: accepted,
      problems: [404, 410, 413],
    }),
  },
  "/instances/{instanceId}/terminate": command("terminate", "Ends an instance", [reason, recursive]),
  "/instances/{instanceId}/suspend": command("suspend", "Holds an instance", [reason]),
  "/instances/{instanceId}/resume": command("resume", "Lets a suspended instance go on", [reason]),
  "/instances/{instanceId}/rewind": command("rewind", "Lets a failed instance try again", [reason], [409]),
  "/instances/{instanceId}/restart": {
    post: operation({
      operationId: "restartOrchestration",
      summary: "Starts an instance again with its input",
      parameters: [id, inQuery("restartWithNewInstanceId", flag(true), "Under a new id."), ...waiting],
      answers: started,
      problems: [409],
    }),
  },
};

/** Paths of entities, below the management path. */
const entityPaths: Readonly<Record<string, Description>> = {
  "/entities": { get: listing("listEntities", "Lists entities", []) },
  "/entities/{entityName}": { get: listing("listEntitiesOfName", "Lists entities of one name", [entityName]) },
  "/entities/{entityName}/{entityKey}": {
    get: operation({
      operationId: "getEntity",
      summary: "Tells the state of an entity",
      parameters: [entityName, entityKey],
      answers: { 200: { description: "The state.", content: json({}) } },
      problems: [404],
    }),
    post: operation({
      operationId: "signalEntity",
      summary: "Sends an operation to an entity",
      parameters: [entityName, entityKey, inQuery("op", text, "Name of the operation.", true)],
      body: true,
      answers: accepted,
      problems: [413],
    }),
    delete: operation({
      operationId: "deleteEntity",
      summary: "Deletes an entity",
      parameters: [entityName, entityKey],
      answers: accepted,
    }),
  },
};

function listing(operationId: string, summary: string, parameters: readonly Description[]): Description {
  const from = inQuery("lastOperationTimeFrom", instant, "Changed at or after.");
  const to = inQuery("lastOperationTimeTo", instant, "Changed at or before.");
  const fetchState = inQuery("fetchState", flag(false), "Tell the states too.");
  const page = { description: "A page; go on with its x-ms-continuation-token.", content: json(listOf("Entity")) };
  return operation({
    operationId,
    summary,
    parameters: [...parameters, from, to, fetchState, ...paging],
    answers: { 200: page },
  });
}

/** The whole description. */
export const openApiDocument: Description = {
  openapi: "3.1.0",
  info: {
    title: "Holdfast management API",
    version: "1",
    description: "Starts, watches and controls the orchestrations and entities of task hubs.",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: MANAGEMENT_PATH }],
  security: [{ code: [] }, { bearer: [] }],
  paths: { ...instancePaths, ...entityPaths },
  components: {
    schemas,
    parameters: {
      taskHub: inQuery(
        "taskHub",
        { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$", default: "default" },
        "Name of the task hub.",
      ),
    },
    securitySchemes: {
      code: { type: "apiKey", in: "query", name: "code" },
      bearer: { type: "http", scheme: "bearer" },
    },
  },
};
