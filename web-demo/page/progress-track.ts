/** The steps of an order as a track: what is done, what is under way, where it stopped. */
import { APPROVAL_LIMIT_MINOR } from "../functions/order.ts";
import { FORWARD_STEPS, type ForwardStep, type OrderProgress } from "../functions/order-progress.ts";
import { make } from "./elements.ts";

type Mark = "done" | "current" | "waiting" | "stopped" | "skipped" | "ahead";

const LABELS: Readonly<Record<ForwardStep, string>> = {
  reserving: "Reserve",
  awaitingApproval: "Approve",
  charging: "Charge",
  shipping: "Ship",
  invoicing: "Invoice",
};
/** What a mark means, for those who do not see it. */
const SPOKEN: Readonly<Record<Mark, string>> = {
  done: "done",
  current: "under way",
  waiting: "waiting for a person",
  stopped: "stopped here",
  skipped: "not needed",
  ahead: "still to come",
};
const SIGNS: Readonly<Record<Mark, string>> = {
  done: "✓",
  current: "",
  waiting: "?",
  stopped: "✕",
  skipped: "–",
  ahead: "",
};

/** Draws the track anew when it has changed. `isHalted`: the instance ended before its code could say so. */
export function drawTrack(track: HTMLElement, progress: OrderProgress | undefined, isHalted: boolean): void {
  const marks = FORWARD_STEPS.map((step) => markOf(step, progress, isHalted));
  const drawn = marks.join(" ");
  if (track.dataset.drawn === drawn) return;
  track.dataset.drawn = drawn;
  track.replaceChildren(...FORWARD_STEPS.map((step, index) => stepElement(step, marks[index] ?? "ahead")));
}

function markOf(step: ForwardStep, progress: OrderProgress | undefined, isHalted: boolean): Mark {
  if (progress === undefined) return "ahead";
  const reached = reachedStep(progress);
  const distance =
    FORWARD_STEPS.indexOf(step) - (reached === undefined ? FORWARD_STEPS.length : FORWARD_STEPS.indexOf(reached));
  if (step === "awaitingApproval" && progress.totalMinor <= APPROVAL_LIMIT_MINOR) return "skipped";
  if (distance < 0) return "done";
  if (distance > 0) return "ahead";
  if (progress.stoppedAt !== undefined || isHalted) return "stopped";
  return progress.step === "awaitingApproval" ? "waiting" : "current";
}

/** The step an order is at or turned back from; `undefined` when it has them all behind it. */
function reachedStep({ step, stoppedAt }: OrderProgress): ForwardStep | undefined {
  if (stoppedAt !== undefined) return stoppedAt;
  return FORWARD_STEPS.find((forward) => forward === step);
}

function stepElement(step: ForwardStep, mark: Mark): HTMLElement {
  const item = make(
    "li",
    { class: `step ${mark}` },
    make("span", { class: "sign", text: SIGNS[mark], attributes: { "aria-hidden": "true" } }),
    make("span", { class: "label", text: LABELS[step] }),
    make("span", { class: "spoken", text: `: ${SPOKEN[mark]}` }),
  );
  if (mark === "current" || mark === "waiting") item.setAttribute("aria-current", "step");
  return item;
}
