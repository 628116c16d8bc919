/**
 * Numbers for clients, by which pumps know consumers: each is given once, whatever kind of client gets it.
 *
 * Thread: main.
 */

export class ClientNumbers {
  #last = 0;

  next(): number {
    this.#last++;
    return this.#last;
  }
}
