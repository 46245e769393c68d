/** First in, first out, with a cheap `shift` however long it is. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }
  /** The oldest item; it stays. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }
  push(item: T): void {
    this.#items.push(item);
  }
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
  drop(isUnwanted: (item: T) => boolean): void {
    this.#items = this.items().filter((item) => !isUnwanted(item));
    this.#head = 0;
  }
  items(): T[] {
    return this.#items.slice(this.#head);
  }
}
