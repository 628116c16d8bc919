/**
 * Values that arrive one by one, for a test that waits for them.
 *
 * Thread: main.
 */

export class Inbox<T> {
  readonly items: T[] = [];

  #wanted = 0;
  #onEnough: () => void = () => undefined;

  /** Adds a value that has arrived. */
  readonly put = (item: T): void => {
    this.items.push(item);
    if (this.items.length >= this.#wanted) this.#onEnough();
  };

  /** Resolves with everything that has arrived, once there is at least this much. */
  async atLeast(count: number): Promise<T[]> {
    if (this.items.length < count) {
      await new Promise<void>((resolve) => {
        this.#wanted = count;
        this.#onEnough = resolve;
      });
    }
    return this.items;
  }
}
