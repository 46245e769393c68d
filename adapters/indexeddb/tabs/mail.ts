/** The ways messages go: to whoever leads, to one tab, to all. What a tab sends to itself does not leave it. */
import type { Channel, TabPlatform } from "./platform.ts";
import type { Answer, SignOfLife, ToLeader } from "./protocol.ts";

/** Who reads a tab's mail. */
export interface MailReader {
  /** Only while the tab listens as the leader. */
  toLeader(message: ToLeader): void;
  toTab(answer: Answer): void;
  toAll(sign: SignOfLife): void;
}

/** The ends that an open tab has. */
interface Ends {
  readonly all: Channel;
  readonly own: Channel;
  /** Posts to the leader, and while the tab leads listens as one. */
  leader: Channel;
}

export class Mail {
  readonly #platform: TabPlatform;
  readonly #prefix: string;
  readonly #tab: string;
  readonly #reader: MailReader;
  #ends: Ends | undefined;
  #isLeader = false;
  /** Ends that the leader answers to, by tab. */
  readonly #tabs = new Map<string, Channel>();

  constructor(platform: TabPlatform, prefix: string, tab: string, reader: MailReader) {
    this.#platform = platform;
    this.#prefix = prefix;
    this.#tab = tab;
    this.#reader = reader;
  }

  /** From now on messages come and go. */
  open(): void {
    const platform = this.#platform;
    this.#ends ??= {
      all: platform.openChannel(`${this.#prefix}:tabs`, (sign) => this.#reader.toAll(sign as SignOfLife)),
      own: platform.openChannel(`${this.#prefix}:tab:${this.#tab}`, (answer) => this.#reader.toTab(answer as Answer)),
      leader: platform.openChannel(`${this.#prefix}:leader`),
    };
  }

  /** No messages any more. A page in the back/forward cache that could get one would be dropped from it. */
  close(): void {
    this.listenAsLeader(false);
    const { all, own, leader } = this.#ends ?? {};
    for (const end of [all, own, leader]) end?.close();
    this.#ends = undefined;
  }

  /** Whether the tab gets what is sent to the leader. */
  listenAsLeader(isLeader: boolean): void {
    const ends = this.#ends;
    if (!ends || isLeader === this.#isLeader) return;
    this.#isLeader = isLeader;
    ends.leader.close();
    const name = `${this.#prefix}:leader`;
    const heard = (message: unknown): void => this.#reader.toLeader(message as ToLeader);
    ends.leader = isLeader ? this.#platform.openChannel(name, heard) : this.#platform.openChannel(name);
    if (!isLeader) for (const tab of [...this.#tabs.keys()]) this.forget(tab);
  }

  toLeader(message: ToLeader): void {
    if (this.#isLeader) this.#reader.toLeader(message);
    else this.#ends?.leader.post(message);
  }
  toAll(sign: SignOfLife): void {
    this.#ends?.all.post(sign);
  }
  toTab(tab: string, answer: Answer): void {
    if (tab === this.#tab) {
      this.#reader.toTab(answer);
      return;
    }
    if (!this.#isLeader) return;
    const channel = this.#tabs.get(tab) ?? this.#platform.openChannel(`${this.#prefix}:tab:${tab}`);
    this.#tabs.set(tab, channel);
    channel.post(answer);
  }
  /** A tab is gone: nothing more goes to it. */
  forget(tab: string): void {
    this.#tabs.get(tab)?.close();
    this.#tabs.delete(tab);
  }
}
