/** The commands that are printed at the start: one to start an order, one to approve it. They work as printed, and again. */
import type { Approval, Order } from "./functions/order.ts";
import { SAMPLE_ORDERS } from "./functions/sample-orders.ts";

/** Path of the HTTP management API. */
export const API_PATH = "/runtime/webhooks/durabletask";

/** Two lines for a POSIX shell: start an order above the approval limit, then approve it. `origin` has no slash at its end. */
export function commandsToTry(origin: string, key: string | undefined): [start: string, approve: string] {
  const sample = SAMPLE_ORDERS.find(({ title }) => title === "Needs approval") ?? SAMPLE_ORDERS[0];
  const order: Order = { id: "order-1", ...sample.order };
  const approval: Approval = { approved: true, by: "Margaret Hamilton" };
  const api = `${origin}${API_PATH}`;
  return [
    post(`${api}/orchestrators/orderProcessing/${order.id}`, order, key),
    post(`${api}/instances/${order.id}/raiseEvent/Approval`, approval, key),
  ];
}

function post(uri: string, body: unknown, key: string | undefined): string {
  const authorization = key === undefined ? "" : ` -H ${quoted(`Authorization: Bearer ${key}`)}`;
  return `curl -i -X POST ${uri}${authorization} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`;
}

/** A text in the single quotes of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
