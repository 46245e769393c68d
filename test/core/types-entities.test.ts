/** What the compiler knows of entities, locks, watches and queries, and what it refuses. Checked by `npm run types`; nothing runs. */
import {
  defineEntity,
  defineOrchestrator,
  type EntityContext,
  type EntityId,
  type EntityIdLike,
  type EntityLock,
  type EntityMetadata,
  type OrchestrationContext,
  type OrchestrationState,
  type Page,
  type Pageable,
  type Task,
  type TaskHubClient,
  whenAny,
} from "holdfast";
import { describe, expectTypeOf, it } from "vitest";

declare const ctx: OrchestrationContext;
declare const client: TaskHubClient;
/** Compiles its argument, and never runs it. */
function compiles(_code: () => unknown): void {}

interface Account {
  readonly owner: string;
  readonly balance: number;
}
const account = defineEntity("account", {
  initialState: (): Account => ({ owner: "", balance: 0 }),
  operations: {
    deposit(context, amount: number) {
      expectTypeOf(context).toEqualTypeOf<EntityContext<Account>>();
      context.state = { ...context.state, balance: context.state.balance + amount };
      return context.state.balance;
    },
    async open(context, owner: string) {
      context.state = { ...context.state, owner };
    },
    read: (context) => context.state,
    maybe: (_context, note?: string) => note,
  },
});
const loose = defineEntity("loose", (context, input: { n: number }) => {
  expectTypeOf(context.state).toEqualTypeOf<unknown>();
  return input.n;
});

describe("an entity's definition", () => {
  it("gives its operations a context of its state", () => {
    expectTypeOf(account.kind).toEqualTypeOf<"entity">();
    compiles(() =>
      defineEntity("x", {
        initialState: () => 0,
        operations: {
          bad(context) {
            // @ts-expect-error the state is a number
            context.state = "text";
            // @ts-expect-error the id cannot be set
            context.id = "@a@b";
            // @ts-expect-error there is no such member
            context.callActivity("x");
          },
        },
      }),
    );
    // @ts-expect-error operations are functions
    compiles(() => defineEntity("x", { operations: { a: 1 } }));
    // @ts-expect-error an entity has operations
    compiles(() => defineEntity("x", { initialState: () => 0 }));
    // @ts-expect-error a name is a text
    compiles(() => defineEntity(5, { operations: {} }));
  });

  it("lets an operation signal, start and delete", () => {
    const other = defineOrchestrator("other", async (_ctx, input: number) => input);
    defineEntity("x", (context) => {
      expectTypeOf(context.id).toEqualTypeOf<EntityId>();
      expectTypeOf(context.operationName).toEqualTypeOf<string>();
      compiles(() => {
        expectTypeOf(context.signalEntity("@a@b", "op", 1, { signalTime: { hours: 1 } })).toEqualTypeOf<void>();
        expectTypeOf(context.scheduleNewOrchestration(other, 1)).toEqualTypeOf<string>();
        expectTypeOf(context.scheduleNewOrchestration("any", 1, { startAt: new Date() })).toEqualTypeOf<string>();
        // @ts-expect-error the input is a number
        context.scheduleNewOrchestration(other, "text");
        expectTypeOf(context.scheduleNewOrchestration(other, 1, { instanceId: "i" })).toEqualTypeOf<string>();
        // @ts-expect-error the option is spelled otherwise
        context.scheduleNewOrchestration(other, 1, { instanceID: "i" });
        // @ts-expect-error the input is missing
        context.scheduleNewOrchestration(other);
        // @ts-expect-error there is no parent to inherit tags from
        context.scheduleNewOrchestration("any", 1, { tags: {} });
        expectTypeOf(context.deleteState()).toEqualTypeOf<void>();
      });
    });
  });
});

describe("a proxy of an entity", () => {
  it("has a task for every operation, with its input and result", () => {
    compiles(() => {
      const proxy = ctx.entity(account, "a");
      expectTypeOf(proxy.deposit(5)).toEqualTypeOf<Task<number>>();
      expectTypeOf(proxy.open("me")).toEqualTypeOf<Task<void>>();
      expectTypeOf(proxy.read()).toEqualTypeOf<Task<Account>>();
      expectTypeOf(proxy.maybe()).toEqualTypeOf<Task<string | undefined>>();
      expectTypeOf(proxy.maybe("x")).toEqualTypeOf<Task<string | undefined>>();
      expectTypeOf(ctx.entity(loose, "a").anything?.({ n: 1 })).toEqualTypeOf<Task<number> | undefined>();
      // @ts-expect-error the input is a number
      proxy.deposit("5");
      // @ts-expect-error the input is missing
      proxy.deposit();
      // @ts-expect-error the input is missing
      proxy.open();
      // @ts-expect-error there is no input
      proxy.read(1);
      // @ts-expect-error there is no such operation
      proxy.withdraw(1);
      // @ts-expect-error the key is a text
      ctx.entity(account, 5);
      // @ts-expect-error an entity is not its name
      ctx.entity("account", "a");
    });
  });
});

describe("calls and signals of entities", () => {
  it("take an id in every form, and give what is said or unknown", () => {
    expectTypeOf<EntityIdLike>().toEqualTypeOf<EntityId | { readonly name: string; readonly key: string } | string>();
    compiles(() => {
      expectTypeOf(ctx.callEntity("@a@b", "op")).toEqualTypeOf<Task<unknown>>();
      expectTypeOf(ctx.callEntity<number>({ name: "a", key: "b" }, "op", 1)).toEqualTypeOf<Task<number>>();
      expectTypeOf(ctx.signalEntity("@a@b", "op")).toEqualTypeOf<void>();
      // @ts-expect-error an id is no number
      ctx.callEntity(5, "op");
      // @ts-expect-error an operation is a text
      ctx.callEntity("@a@b", 5);
      // @ts-expect-error calls have no time
      ctx.callEntity("@a@b", "op", 1, { signalTime: 5 });
      // @ts-expect-error a signal cannot be awaited for its result
      ctx.signalEntity("@a@b", "op").then;
      // @ts-expect-error a time is a date or a duration
      ctx.signalEntity("@a@b", "op", 1, { signalTime: "soon" });
    });
  });
});

describe("locks", () => {
  it("are tasks that can be given up, and release what they hold", () => {
    compiles(async () => {
      const task = ctx.lockEntities("@a@b", { name: "a", key: "c" });
      expectTypeOf(task).toExtend<Task<EntityLock>>();
      expectTypeOf(task.cancel).toEqualTypeOf<() => void>();
      expectTypeOf(task.isCanceled).toEqualTypeOf<boolean>();
      const lock = await task;
      expectTypeOf(lock).toEqualTypeOf<EntityLock>();
      expectTypeOf(lock.release()).toEqualTypeOf<void>();
      using held = await ctx.lockEntities("@a@b");
      expectTypeOf(held).toExtend<Disposable>();
      const { task: winner } = await whenAny([task, ctx.createTimer(5)]);
      expectTypeOf(winner.result).toEqualTypeOf<EntityLock | void>();
      // @ts-expect-error ids are given one by one
      ctx.lockEntities(["@a@b"]);
      // @ts-expect-error a lock cannot be locked again
      lock.lock();
      // @ts-expect-error a task of a lock is no lock
      task.release();
    });
    expectTypeOf<OrchestrationContext["criticalSection"]>().toEqualTypeOf<{
      readonly inSection: boolean;
      readonly lockedEntities: readonly EntityId[];
    }>();
    // @ts-expect-error the section is entered by locking only
    compiles(() => (ctx.criticalSection = { inSection: true, lockedEntities: [] }));
  });
});

describe("a client and entities", () => {
  it("signals, reads, lists and cleans", () => {
    compiles(async () => {
      expectTypeOf(client.signalEntity("@a@b", "op", 1, { signalTime: new Date() })).toEqualTypeOf<Promise<void>>();
      expectTypeOf(client.getEntity("@a@b")).toEqualTypeOf<Promise<EntityMetadata | undefined>>();
      const entity = await client.getEntity<number>("@a@b");
      expectTypeOf(entity?.state).toEqualTypeOf<number | undefined>();
      expectTypeOf(entity?.lockedBy).toEqualTypeOf<string | undefined>();
      expectTypeOf(entity?.lastModifiedAt).toEqualTypeOf<Date | undefined>();
      expectTypeOf(client.queryEntities({ includeTransient: true })).toEqualTypeOf<Pageable<EntityMetadata>>();
      expectTypeOf((await client.cleanEntityStorage()).orphanedLocksReleased).toEqualTypeOf<number>();
      // @ts-expect-error clients only signal
      void client.callEntity("@a@b", "op");
      // @ts-expect-error the state is only to be read
      if (entity) entity.state = 1;
      // @ts-expect-error a bound is a date
      void client.queryEntities({ lastModifiedFrom: 5 });
      // @ts-expect-error there is no such filter
      void client.queryEntities({ statuses: ["Running"] });
      // @ts-expect-error there is no such request
      void client.cleanEntityStorage({ everything: true });
    });
  });
});

describe("watches and listings", () => {
  it("give states and pages of their kind", () => {
    const typed = defineOrchestrator("typed", async () => 5);
    compiles(async () => {
      const id = await client.scheduleNewOrchestration(typed);
      expectTypeOf(client.watchOrchestration(id)).toEqualTypeOf<AsyncIterable<OrchestrationState<number>>>();
      for await (const state of client.watchOrchestration(id))
        expectTypeOf(state.output).toEqualTypeOf<number | undefined>();
      for await (const state of client.watchOrchestrations({ names: ["x"] }))
        expectTypeOf(state).toEqualTypeOf<OrchestrationState>();
      expectTypeOf(client.watchOrchestrations().toString).toBeFunction();
      expectTypeOf(client.queryOrchestrations().pages()).toEqualTypeOf<AsyncIterable<Page<OrchestrationState>>>();
      expectTypeOf(client.listInstanceIds({ completedFrom: new Date() })).toEqualTypeOf<Promise<Page<string>>>();
      expectTypeOf<OrchestrationState["warning"]>().toEqualTypeOf<string | undefined>();
      expectTypeOf(client.restartOrchestration("x", { newInstanceId: true })).toEqualTypeOf<Promise<string>>();
      expectTypeOf(client.rewindOrchestration("x", "why")).toEqualTypeOf<Promise<void>>();
      // @ts-expect-error a new id is a text or true
      void client.restartOrchestration("x", { newInstanceId: false });
      // @ts-expect-error a status that does not exist
      client.watchOrchestrations({ statuses: ["Sleeping"] });
      // @ts-expect-error a status that does not exist
      client.queryOrchestrations({ statuses: ["running"] });
      // @ts-expect-error tags are texts
      client.queryOrchestrations({ tags: { size: 1 } });
      // @ts-expect-error ids are listed by completion, not by creation
      void client.listInstanceIds({ createdFrom: new Date() });
      // @ts-expect-error an event id is a text
      void client.raiseOrchestrationEvent("x", "e", 1, { eventId: 5 });
      // @ts-expect-error dedupe statuses are statuses
      void client.scheduleNewOrchestration("x", 1, { dedupeStatuses: ["Gone"] });
      // @ts-expect-error continueAsNew takes one version
      ctx.continueAsNew(1, { newVersion: 2 });
      // @ts-expect-error a patch has an id
      ctx.patched();
      expectTypeOf(ctx.patched("p")).toEqualTypeOf<boolean>();
      expectTypeOf(ctx.compareVersionTo("1")).toEqualTypeOf<number>();
    });
  });
});
