/**
 * One tab of a hub: follows whoever leads, or leads itself.
 *
 * A1. A tab serves calls only while it holds the lock, and its hub is not fenced. Losing either, it follows again by itself.
 * A2. The store decides: a tab that leads after another has opened the hub can commit nothing, whatever it believes.
 * A3. A tab that may be frozen has neither the lock nor a place in the queue for it, and no open channel.
 * A4. Whoever leads says so to all, as soon as it has the lock, and again when the hub is open: calls under way are then sent to it.
 */
import { HoldfastError, HubFencedError } from "../../../core/errors.ts";
import type { TaskHubOptions } from "../../../core/hub/open-engine.ts";
import { LATE_LOOK_MS, LOOK_INTERVAL_MS, OPENINGS_MAX, PATIENCE_SPREAD_MS, REOPEN_DELAY_MS } from "./bounds.ts";
import { LeadClaim } from "./claim.ts";
import { Leader } from "./leader.ts";
import { Mail } from "./mail.ts";
import { Outbox } from "./outbox.ts";
import type { LifecycleEvent, TabPlatform } from "./platform.ts";
import { Presence } from "./presence.ts";
import { type Answer, PROTOCOL, type SignOfLife, type ToLeader } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import type { Wire } from "./wire.ts";

/** Whether a tab runs the hub's functions, or leaves that to another one. */
export type TabRole = "executing" | "client";

type Standing =
  /** It has not joined yet. */
  | { readonly kind: "joining" }
  | { readonly kind: "following"; readonly claim: LeadClaim }
  | { readonly kind: "opening"; readonly claim: LeadClaim }
  | { readonly kind: "leading"; readonly claim: LeadClaim; readonly leader: Leader }
  /** The hub could not be opened; the tab tries again after a while. */
  | { readonly kind: "pausing"; readonly cancel: () => void }
  /** Frozen, or about to be. */
  | { readonly kind: "away" }
  | { readonly kind: "closed" };

export interface TabPorts {
  readonly platform: TabPlatform;
  readonly wire: Wire;
  /** How the hub is opened when the tab leads; with a host and a store. */
  readonly options: TaskHubOptions;
  /** What locks and channels of the hub begin with. */
  readonly prefix: string;
  readonly codeVersion: number | undefined;
  roleChanged(role: TabRole): void;
  /** The hub could not be opened, or the tab that has it open does not understand this one. */
  openFailed(error: unknown): void;
}

export class Tab {
  readonly outbox: Outbox;
  readonly #ports: TabPorts;
  readonly #id: string;
  readonly #mail: Mail;
  readonly #presence: Presence;
  readonly #pulse: Pulse;
  readonly #stopListening: () => void;
  #standing: Standing = { kind: "joining" };
  /** The highest term heard. */
  #term: number | undefined;
  #cancelLook = (): void => {};
  #lookedAtMs: number;
  #ready: (() => void) | undefined;
  /** Settles when the last opening of the hub has come to its end. */
  #opening: Promise<void> = Promise.resolve();
  /** Openings that have failed since somebody led. */
  #failureCount = 0;

  constructor(ports: TabPorts) {
    const { platform, prefix } = ports;
    this.#ports = ports;
    this.#id = platform.host.randomId();
    this.#mail = new Mail(platform, prefix, this.#id, {
      toLeader: (message) => this.#serve(message),
      toTab: (answer) => this.#answered(answer),
      toAll: (sign) => this.#heard(sign),
    });
    this.outbox = new Outbox({
      tab: this.#id,
      now: () => platform.host.now(),
      post: (request) => this.#mail.toLeader(request),
    });
    this.#presence = new Presence(platform.locks, presenceOf(prefix, this.#id));
    this.#lookedAtMs = platform.host.now();
    this.#pulse = new Pulse(this.#lookedAtMs, Number.parseInt(this.#id.slice(0, 8), 16) % PATIENCE_SPREAD_MS);
    this.#stopListening = platform.onLifecycle((event) => this.#happened(event));
  }

  get role(): TabRole {
    return this.#standing.kind === "leading" ? "executing" : "client";
  }

  /** Joins the tabs of the hub; resolves when one of them, this one perhaps, leads. */
  async join(): Promise<void> {
    await this.#presence.begin();
    const ready = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    // It may have left, or been closed, before it was there.
    if (this.#standing.kind === "joining") {
      this.#mail.open();
      this.#follow();
      this.#look();
    }
    await ready;
  }

  /** Leaves the tabs of the hub for good. Calls under way end with `error`. */
  async close(error: Error): Promise<void> {
    const { kind } = this.#standing;
    if (kind === "closed") return;
    this.outbox.close(error);
    if (kind !== "leading") this.#mail.toLeader({ kind: "bye", tab: this.#id });
    this.#stopListening();
    this.#cancelLook();
    await this.#stand({ kind: "closed" });
    await this.#opening;
    this.#mail.close();
    this.#presence.end();
  }

  // ---- standing

  /** Gives up what the tab is, and becomes something else. Resolves when a hub it had open is closed. */
  async #stand(next: Standing): Promise<void> {
    const before = this.#standing;
    this.#standing = next;
    if (next.kind !== "opening" && next.kind !== "leading") this.#mail.listenAsLeader(false);
    const claim = "claim" in before ? before.claim : undefined;
    if (before.kind === "pausing") before.cancel();
    if (before.kind === "leading") this.#ports.roleChanged("client");
    // Whoever leaves by its own will and may still run closes the hub first; all others are fenced by the next one.
    const closing = before.kind === "leading" ? before.leader.close() : undefined;
    if (next.kind === "closed") await closing;
    if (claim && !("claim" in next && next.claim === claim)) claim.release();
  }

  /** Queues for the lead, or takes it from a tab that does not answer. */
  #follow(isTaking = false): void {
    const { locks } = this.#ports.platform;
    const ifCurrent = (act: () => void) => (): void => {
      const standing = this.#standing;
      if ("claim" in standing && standing.claim === claim) act();
    };
    const claim: LeadClaim = new LeadClaim(
      {
        locks,
        lockName: this.#ports.prefix,
        won: ifCurrent(() => {
          this.#opening = this.#lead(claim);
        }),
        lost: ifCurrent(() => this.#follow()),
        failed: (error) => ifCurrent(() => this.#pause(error))(),
      },
      isTaking,
    );
    void this.#stand({ kind: "following", claim });
    this.#pulse.sign(this.#ports.platform.host.now());
    this.#mail.toLeader({ kind: "ask" });
  }

  async #lead(claim: LeadClaim): Promise<void> {
    await this.#stand({ kind: "opening", claim });
    this.#mail.listenAsLeader(true);
    this.#sayAlive();
    const isWanted = (): boolean => this.#standing.kind === "opening" && this.#standing.claim === claim;
    const { platform, wire, options, prefix } = this.#ports;
    try {
      const leader = await Leader.open(
        {
          platform,
          wire,
          options,
          lastTerm: this.#term ?? 0,
          presenceOf: (tab) => presenceOf(prefix, tab),
          answer: (term, tab, id, outcome) => this.#mail.toTab(tab, { term, id, outcome }),
          gone: (tab) => this.#mail.forget(tab),
        },
        isWanted,
      );
      if (!isWanted()) await leader?.close();
      if (!leader || !isWanted()) return;
      await this.#stand({ kind: "leading", claim, leader });
      this.#sayAlive();
      this.#ports.roleChanged("executing");
      this.#follows(leader.term);
    } catch (error) {
      if (isWanted()) this.#pause(error);
    }
  }

  /** Leaves the lead to others for a while. Whoever is taken over while opening the hub has not failed: there is a hub to follow. */
  #pause(error: unknown): void {
    const isTakenOver = error instanceof HubFencedError;
    if (!isTakenOver) this.#ports.openFailed(error);
    if (this.#standing.kind === "closed") return;
    if (!isTakenOver && ++this.#failureCount >= OPENINGS_MAX) this.outbox.rejectAll(error);
    const cancel = this.#ports.platform.host.delay(REOPEN_DELAY_MS, () => this.#follow());
    void this.#stand({ kind: "pausing", cancel });
  }

  // ---- mail

  #sayAlive(): void {
    const { codeVersion } = this.#ports;
    const standing = this.#standing;
    this.#mail.toAll({
      protocol: PROTOCOL,
      ...(standing.kind === "leading" && { term: standing.leader.term }),
      ...(codeVersion !== undefined && { codeVersion }),
    });
  }

  /** What followers, or the tab itself, send to the leader. */
  #serve(message: ToLeader): void {
    // Messages come even where timers are throttled: followers that are visible keep a hidden leader going.
    if (this.#ports.platform.host.now() - this.#lookedAtMs > LOOK_INTERVAL_MS + LATE_LOOK_MS) this.#look();
    const standing = this.#standing;
    if (message.kind === "ask") {
      this.#sayAlive();
      return;
    }
    if (standing.kind !== "leading") return;
    if (message.kind === "bye") standing.leader.forget(message.tab);
    else if (message.term > standing.leader.term) this.#follow();
    else standing.leader.receive(message);
  }

  #answered(answer: Answer): void {
    if (answer.term !== this.#term) return;
    this.#pulse.sign(this.#ports.platform.host.now());
    this.outbox.answered(answer);
  }

  #heard({ protocol, term, codeVersion }: SignOfLife): void {
    const standing = this.#standing;
    if (standing.kind === "away" || (term !== undefined && term < (this.#term ?? 0))) return;
    if (standing.kind === "leading") {
      if (term !== undefined && term > standing.leader.term) this.#follow();
      return;
    }
    this.#pulse.sign(this.#ports.platform.host.now());
    if (protocol > PROTOCOL) {
      if (!this.outbox.isRefusing) this.#refuse(protocol);
      return;
    }
    if (protocol === PROTOCOL && term !== undefined && term !== this.#term) this.#follows(term);
    const isOlder = codeVersion !== undefined && codeVersion < (this.#ports.codeVersion ?? codeVersion);
    if ((protocol < PROTOCOL || isOlder) && standing.kind === "following") this.#follow(true);
  }

  /** The leader would not understand this tab. */
  #refuse(protocol: number): void {
    const { options, openFailed } = this.#ports;
    const error = new HoldfastError(
      "tabOutdated",
      `This tab has an older build of Holdfast than the one that executes the task hub '${options.name}' now (tab protocol ${PROTOCOL}, not ${protocol}), and cannot call it. Reload the page to get the newer build. Changes that had no answer yet may have taken effect.`,
    );
    openFailed(error);
    this.outbox.refuse(error);
  }

  /** There is a new leader: calls under way go to it. */
  #follows(term: number): void {
    this.#term = term;
    this.#failureCount = 0;
    this.outbox.sendAll(term);
    this.#ready?.();
  }

  // ---- time

  /** Looks around, now and every half second. */
  #look(): void {
    const { platform } = this.#ports;
    this.#cancelLook();
    const nowMs = platform.host.now();
    if (nowMs - this.#lookedAtMs > LOOK_INTERVAL_MS + LATE_LOOK_MS) platform.catchUpTimers();
    // A clock that was put back would make the silence look short.
    if (nowMs < this.#lookedAtMs) this.#pulse.sign(nowMs);
    this.#lookedAtMs = nowMs;
    const standing = this.#standing;
    if (standing.kind === "leading" && standing.leader.isStopped) this.#follow();
    else if (standing.kind === "following") {
      const next = this.#pulse.look(nowMs);
      if (next === "ask") this.#mail.toLeader({ kind: "ask" });
      else if (next === "takeLead") this.#follow(true);
    }
    this.outbox.resendLate();
    this.#cancelLook = platform.host.delay(LOOK_INTERVAL_MS, () => this.#look());
  }

  #happened(event: LifecycleEvent): void {
    const { kind } = this.#standing;
    if (event === "left") {
      // Also when it is away already: it may be on its way back.
      if (kind === "closed") return;
      this.#cancelLook();
      void this.#stand({ kind: "away" });
      // What is called from now on is sent when the tab returns, and is present again.
      this.outbox.hold();
      this.#mail.close();
      // A page that holds a lock is not kept in the back/forward cache.
      if (!this.outbox.hasChanges) this.#presence.end();
    } else if (kind === "away") void this.#return();
    else this.#ports.platform.catchUpTimers();
  }

  async #return(): Promise<void> {
    const away = this.#standing;
    const isStillAway = (): boolean => this.#standing === away;
    try {
      await this.#presence.begin();
    } catch (error) {
      if (!isStillAway()) return;
      this.#ports.openFailed(error);
      this.#cancelLook = this.#ports.platform.host.delay(REOPEN_DELAY_MS, () => void (isStillAway() && this.#return()));
      return;
    }
    if (!isStillAway()) return;
    this.#ports.platform.catchUpTimers();
    this.#mail.open();
    this.#follow();
    if (this.#term !== undefined) this.outbox.sendAll(this.#term);
    this.#look();
  }
}

function presenceOf(prefix: string, tab: string): string {
  return `${prefix}:tab:${tab}`;
}
