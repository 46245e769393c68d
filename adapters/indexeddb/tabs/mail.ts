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

export class Mail {
  readonly #platform: TabPlatform;
  readonly #prefix: string;
  readonly #tab: string;
  readonly #reader: MailReader;
  readonly #all: Channel;
  readonly #own: Channel;
  /** Posts to the leader, and while the tab leads listens as one. */
  #leader: Channel;
  #isLeader = false;
  /** Ends that the leader answers to, by tab. */
  readonly #tabs = new Map<string, Channel>();

  constructor(platform: TabPlatform, prefix: string, tab: string, reader: MailReader) {
    this.#platform = platform;
    this.#prefix = prefix;
    this.#tab = tab;
    this.#reader = reader;
    this.#all = platform.openChannel(`${prefix}:tabs`, (sign) => reader.toAll(sign as SignOfLife));
    this.#own = platform.openChannel(`${prefix}:tab:${tab}`, (answer) => reader.toTab(answer as Answer));
    this.#leader = platform.openChannel(`${prefix}:leader`);
  }

  /** Whether the tab gets what is sent to the leader. */
  listenAsLeader(isLeader: boolean): void {
    if (isLeader === this.#isLeader) return;
    this.#isLeader = isLeader;
    this.#leader.close();
    const name = `${this.#prefix}:leader`;
    const heard = (message: unknown): void => this.#reader.toLeader(message as ToLeader);
    this.#leader = isLeader ? this.#platform.openChannel(name, heard) : this.#platform.openChannel(name);
    if (!isLeader) for (const tab of [...this.#tabs.keys()]) this.forget(tab);
  }

  toLeader(message: ToLeader): void {
    if (this.#isLeader) this.#reader.toLeader(message);
    else this.#leader.post(message);
  }
  toAll(sign: SignOfLife): void {
    this.#all.post(sign);
  }
  toTab(tab: string, answer: Answer): void {
    if (tab === this.#tab) {
      this.#reader.toTab(answer);
      return;
    }
    const channel = this.#tabs.get(tab) ?? this.#platform.openChannel(`${this.#prefix}:tab:${tab}`);
    this.#tabs.set(tab, channel);
    channel.post(answer);
  }
  /** A tab is gone: nothing more goes to it. */
  forget(tab: string): void {
    this.#tabs.get(tab)?.close();
    this.#tabs.delete(tab);
  }

  close(): void {
    for (const tab of [...this.#tabs.keys()]) this.forget(tab);
    for (const channel of [this.#all, this.#own, this.#leader]) channel.close();
  }
}
