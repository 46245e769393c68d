/** Every function of the demo. The same list serves Node, a page and a Worker: nothing in it knows its host. */
import type { FunctionDefinition } from "holdfast";
import { helloCities, helloCitiesGenerator, sayHello } from "./hello-cities.ts";
import { orderProcessing } from "./order-processing.ts";
import {
  chargePayment,
  escalateApproval,
  recallShipment,
  refundPayment,
  releaseStock,
  reserveStock,
  sendInvoice,
  shipOrder,
} from "./order-services.ts";

/** What a task hub of the demo is opened with. */
export const functions: readonly FunctionDefinition[] = [
  sayHello,
  helloCities,
  helloCitiesGenerator,
  orderProcessing,
  reserveStock,
  releaseStock,
  escalateApproval,
  chargePayment,
  refundPayment,
  shipOrder,
  recallShipment,
  sendInvoice,
];

export default functions;
