/** A hub on virtual time that is reached as another tab reaches it: every call and answer is cloned on its way between an outbox and a caller. */
import { defaultCodec, type TaskHubClient } from "holdfast";
import { TestTaskHub, type TestTaskHubOptions } from "holdfast/testing";
import { Caller } from "../../adapters/indexeddb/tabs/caller.ts";
import { Outbox } from "../../adapters/indexeddb/tabs/outbox.ts";
import { TabClient } from "../../adapters/indexeddb/tabs/tab-client.ts";
import { Wire } from "../../adapters/indexeddb/tabs/wire.ts";
import type { Engine } from "../../core/hub/engine.ts";
import { isSyncCodec, openEngine } from "../../core/hub/open-engine.ts";
import { ReceiptBooks } from "../../core/hub/receipts.ts";
import { VirtualHost } from "../../core/testing/virtual-host.ts";

const TERM = 1;
const CALLS = {
  scheduleNewOrchestration: true,
  getOrchestrationState: true,
  waitForOrchestrationStart: true,
  waitForOrchestrationCompletion: true,
  watchOrchestration: true,
  watchOrchestrations: true,
  raiseOrchestrationEvent: true,
  terminateOrchestration: true,
  suspendOrchestration: true,
  resumeOrchestration: true,
  rewindOrchestration: true,
  restartOrchestration: true,
  purgeOrchestration: true,
  queryOrchestrations: true,
  listInstanceIds: true,
  signalEntity: true,
  getEntity: true,
  queryEntities: true,
  cleanEntityStorage: true,
  getOrchestrationHistory: true,
} satisfies Record<Exclude<keyof TaskHubClient, "schedules">, true>;

export class HubBehindTab extends TestTaskHub {
  private constructor(engine: Engine, host: VirtualHost, books: ReceiptBooks, options: TestTaskHubOptions) {
    super(engine, host);
    const { codec = defaultCodec } = options;
    const wire = new Wire(isSyncCodec(codec) ? codec : defaultCodec);
    const tab = host.randomId();
    const caller = new Caller(
      tab,
      {
        engine,
        books,
        wire,
        isInOffice: () => Promise.resolve(true),
        answer: (_tab, id, outcome) => outbox.answered({ term: TERM, id, outcome: structuredClone(outcome) }),
      },
      undefined,
    );
    const outbox: Outbox = new Outbox({
      tab,
      now: () => host.now(),
      post: (request) => caller.receive(structuredClone(request)),
    });
    outbox.sendAll(TERM);
    const client: TaskHubClient = new TabClient(outbox, wire, host);
    for (const call of Object.keys(CALLS) as (keyof typeof CALLS)[])
      Object.defineProperty(this, call, { value: (client[call] as () => unknown).bind(client) });
    Object.defineProperty(this, "schedules", { value: client.schedules });
    const close = this.close.bind(this);
    Object.defineProperty(this, "close", {
      value: async () => {
        await close();
        outbox.close(engine.stopped as Error);
      },
    });
  }

  static override async open(options: TestTaskHubOptions): Promise<HubBehindTab> {
    const host = new VirtualHost((options.startAt ?? new Date("2026-01-01T00:00:00Z")).getTime());
    const books = new ReceiptBooks();
    const engine = await openEngine({ ...options, host }, books);
    await books.load(engine.options.session);
    const hub = new HubBehindTab(engine, host, books, options);
    await hub.recover();
    return hub;
  }
}
