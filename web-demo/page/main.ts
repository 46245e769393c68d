/** The order desk: puts the form, the order on show and the list together over one task hub. */
import { APPROVAL_EVENT, type Order, orderTotalMinor } from "../functions/order.ts";
import { chooseAppearance } from "./appearance.ts";
import { Connection } from "./connection.ts";
import { element } from "./elements.ts";
import { ApiError, type InstanceStatus, ManagementApi, type ManagementUris } from "./management-api.ts";
import { OrderForm } from "./order-form.ts";
import { OrderHistory } from "./order-history.ts";
import { hasEnded, OrderList } from "./order-list.ts";
import { OrderView, progressOf } from "./order-view.ts";
import { OrderWatch } from "./order-watch.ts";
import { forget, type RememberedOrder, remember, rememberedOrders } from "./remembered-orders.ts";
import { KeyForm, keyOfThisTab } from "./worker-key.ts";

const api = new ManagementApi(new URLSearchParams(location.search).get("taskHub") ?? "", keyOfThisTab());
/** Where the orders started since the page was opened are managed, as their 202 answers said. */
const answeredUris = new Map<string, ManagementUris>();
let shownId: string | undefined;

const keyForm = new KeyForm((key) => {
  api.useKey(key);
  void attempt(async () => api.check()).then(() => watch.askNow());
});
const connection = new Connection(() => keyForm.ask());
const watch = new OrderWatch({
  ask: (id) => api.status(urisOf(id), { withHistory: id === shownId && history.isOpen }),
  onStatus: showStatus,
  onError: (error) => connection.bad(error),
  isWaiting: (status) => progressOf(status)?.step === "awaitingApproval",
});
const history = new OrderHistory(() => watch.askNow());
const view = new OrderView({
  onControl: (uri, reason) => change((uris) => api.control(uris, uri, reason)),
  onDecision: (approval) => change((uris) => api.raiseEvent(uris, APPROVAL_EVENT, approval)),
});
const list = new OrderList(open, () => {
  forget((order) => hasEnded(order) && order.id !== shownId);
  list.show(rememberedOrders(), shownId);
});
new OrderForm(start);

chooseAppearance();
void attempt(async () => api.check());
for (const order of rememberedOrders()) if (!hasEnded(order)) watch.add(order.id);
const latest = rememberedOrders().find(({ id }) => id === location.hash.slice(1)) ?? rememberedOrders()[0];
if (latest !== undefined) open(latest.id);

/** Starts an order and shows it. */
async function start(order: Order): Promise<void> {
  await attempt(async () => {
    const uris = await api.start(order);
    answeredUris.set(order.id, uris);
    const { id, customer, currency } = order;
    const startedAt = new Date().toISOString();
    remember({
      id,
      customer,
      currency,
      totalMinor: orderTotalMinor(order),
      startedAt,
      runtimeStatus: "Pending",
      step: "",
    });
    open(id);
    element("order", HTMLElement).focus({ preventScroll: innerWidth > 900 });
  });
}

/** Puts an order of the list on show. */
function open(id: string): void {
  const order = rememberedOrders().find((remembered) => remembered.id === id);
  if (order === undefined) return;
  shownId = id;
  view.open(order, urisOf(id));
  history.show([]);
  list.show(rememberedOrders(), shownId);
  watch.show(id);
}

/** Does something to the order on show, and looks at once what came of it. */
function change(request: (uris: ManagementUris) => Promise<void>): void {
  const id = shownId;
  if (id !== undefined) void attempt(async () => request(urisOf(id))).then(() => watch.askNow());
}

function showStatus(id: string, status: InstanceStatus | undefined): void {
  connection.good();
  const order = rememberedOrders().find((remembered) => remembered.id === id);
  if (order !== undefined) remember(withStatus(order, status));
  list.show(rememberedOrders(), shownId);
  if (id !== shownId) return;
  view.update(status);
  if (status?.historyEvents !== undefined) history.show(status.historyEvents);
}

function withStatus(order: RememberedOrder, status: InstanceStatus | undefined): RememberedOrder {
  return { ...order, runtimeStatus: status?.runtimeStatus ?? "Gone", step: progressOf(status)?.step ?? "" };
}

function urisOf(id: string): ManagementUris {
  return answeredUris.get(id) ?? api.urisOf(id);
}

/** Runs a request of somebody at the desk; whatever goes wrong is shown. */
async function attempt(request: () => Promise<void>): Promise<void> {
  try {
    await request();
    connection.good();
  } catch (error) {
    // A refusal is an answer too: the worker is there.
    if (error instanceof ApiError && error.status !== 0 && error.status !== 401) connection.good();
    connection.bad(error);
  }
}
