/** The orders started in this browser, as far as it remembers them. The hub has the truth; this only knows what to ask for. */
import { storedText, storeText } from "./stored-text.ts";

/** Orders remembered at most; the oldest are forgotten first. */
const REMEMBERED_MAX = 50;
const NAME = "orders";

/** One order, and how it stood when this browser last looked. */
export interface RememberedOrder {
  readonly id: string;
  readonly customer: string;
  readonly totalMinor: number;
  readonly currency: string;
  /** ISO text. */
  readonly startedAt: string;
  /** Runtime status, or `"Gone"` when the hub no longer has it. */
  readonly runtimeStatus: string;
  /** Step of its custom status; `""` while it has none. */
  readonly step: string;
}

/** All of them, the newest first. Whatever cannot be read counts as nothing. */
export function rememberedOrders(): RememberedOrder[] {
  try {
    const stored: unknown = JSON.parse(storedText("browser", NAME) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isRemembered) : [];
  } catch {
    return [];
  }
}

/** Adds an order at the top, or brings the entry of the same id up to date where it stands. */
export function remember(order: RememberedOrder): void {
  const orders = rememberedOrders();
  const at = orders.findIndex(({ id }) => id === order.id);
  if (at >= 0) orders[at] = order;
  else orders.unshift(order);
  store(orders.slice(0, REMEMBERED_MAX));
}

/** Forgets every order that fits. */
export function forget(fits: (order: RememberedOrder) => boolean): void {
  store(rememberedOrders().filter((order) => !fits(order)));
}

function store(orders: readonly RememberedOrder[]): void {
  storeText("browser", NAME, JSON.stringify(orders));
}

function isRemembered(value: unknown): value is RememberedOrder {
  if (typeof value !== "object" || value === null) return false;
  const { id, customer, totalMinor, currency, startedAt, runtimeStatus, step } = value as Record<string, unknown>;
  const texts = [id, customer, currency, startedAt, runtimeStatus, step];
  return texts.every((text) => typeof text === "string") && typeof totalMinor === "number";
}
