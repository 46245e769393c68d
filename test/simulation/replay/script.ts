/** Shows programs the way one would write them. */
import type { Awaited, Call, Program, RetryPlan, Statement } from "./program.ts";

const SIGNATURE = {
  async: "async function p",
  generator: "function* p",
  asyncGenerator: "async function* p",
} as const;

export function scriptOf(programs: readonly Program[]): string {
  return programs
    .map(({ shape, body, generations, keepsEvents }, index) => {
      const again = body.some((statement) => statement.do === "again")
        ? ` // again: ${generations} times, ${keepsEvents ? "keeping" : "dropping"} events`
        : "";
      return `${SIGNATURE[shape]}${index}(ctx) {${again}\n${blockOf(body, shape === "async" ? "await" : "yield", 1)}}\n`;
    })
    .join("\n");
}

function blockOf(body: readonly Statement[], wait: string, depth: number): string {
  const indent = "  ".repeat(depth);
  return body.map((statement) => `${indent}/* ${statement.at} */ ${lineOf(statement, wait, depth)}\n`).join("");
}

function lineOf(statement: Statement, wait: string, depth: number): string {
  const end = "  ".repeat(depth);
  const inner = (body: readonly Statement[]): string => `{\n${blockOf(body, wait, depth + 1)}${end}}`;
  switch (statement.do) {
    case "await":
      return `${wait} ${textOf(statement.what, depth)};`;
    case "start":
      return `s${statement.slot} = ${textOf(statement.what, depth)};`;
    case "join":
      return `${wait} s${statement.slot};`;
    case "cancel":
      return `s${statement.slot}.cancel();`;
    case "look":
      return `look(s${statement.slot});`;
    case "listen":
      return `s${statement.slot}.then(log, log);`;
    case "add":
      return `const before = sum; ${wait} ${textOf(statement.what, depth)}; sum = before + 1;`;
    case "send":
      return `ctx.sendEvent(ctx.instanceId, "${statement.name}");`;
    case "signal":
      return `ctx.signalEntity("@tally@${statement.key}", "add");`;
    case "locked":
      return `using _ = ${wait} lock(${statement.keys}); ${inner(statement.body)}`;
    case "again":
      return "ctx.continueAsNew();";
    case "if":
      return `if ((sum + log.length) % 2 === 0) ${inner(statement.body)} else ${inner(statement.otherwise)}`;
    case "try":
      return `try ${inner(statement.body)} catch (error) ${inner(statement.handler)} finally ${inner(statement.last)}`;
    case "repeat":
      return `for (let i = 0; i < ${statement.times}; i++) ${inner(statement.body)}`;
    case "throw":
      return 'throw new RangeError("thrown");';
    default:
      return `ctx.${statement.do};`;
  }
}

function textOf(what: Awaited, depth: number): string {
  const list = (of: readonly Awaited[]): string => of.map((item) => textOf(item, depth)).join(", ");
  switch (what.kind) {
    case "call":
      return callOf(what.call);
    case "hops":
      return `hops(${what.count}${what.fails ? ", fails" : ""})`;
    case "nested":
      return `nested(${what.depth}${what.awaits ? ", return await" : ""})`;
    case "thenable":
      return `thenable.${what.manner}(${textOf(what.of, depth)})`;
    case "subclass":
      return `Roundabout.resolve(${textOf(what.of, depth)})`;
    case "chain":
      return textOf(what.of, depth) + what.links.map(({ method, hops }) => `.${method}(log, hops(${hops}))`).join("");
    case "helper":
      return `(async () => {\n${blockOf(what.body, "await", depth + 2)}${"  ".repeat(depth + 1)}})()`;
    case "stream":
      return `forAwait([${list(what.of)}])`;
    default:
      return `Promise.${what.kind}([${list(what.of)}])`;
  }
}

function callOf(call: Call): string {
  switch (call.kind) {
    case "activity": {
      const fails = call.failures > 0 ? `, fails ${call.failures}${call.isFinalFailure ? " for good" : ""}` : "";
      return `activity.${call.name}(#${call.id}${fails}${retryOf(call.retry)})`;
    }
    case "timer":
      return `timer(${call.ms})`;
    case "event":
      return `event(${call.name}${call.timeoutMs === undefined ? "" : `, timeout ${call.timeoutMs}`})`;
    case "child":
      return `child(p${call.program}${call.isNamed ? ", named" : ""}${retryOf(call.retry)})`;
    case "entity":
      return `entity(${call.key}).${call.operation}()`;
    case "lock":
      return `lock(${call.keys})`;
    default:
      return `${call.kind}([${call.of.map(callOf).join(", ")}])`;
  }
}

function retryOf(retry: RetryPlan | undefined): string {
  return retry === undefined ? "" : `, retry ${JSON.stringify(retry)}`;
}
