/**
 * A connection's responses, kept in the order of its commands although some have to be waited for.
 *
 * Thread: main.
 */

/** Fills a place that turns out to need no response. */
export const NO_FRAME = Buffer.alloc(0);

/** A response that is still to come. */
export type PendingResponse = { frame: Buffer | null };

export class ResponseQueue {
  /** Takes a frame that is next in order. */
  readonly #send: (frame: Buffer) => void;
  /** Called whenever nothing is waited for any more. */
  readonly #onSettled: () => void;
  readonly #pending: PendingResponse[] = [];

  constructor(send: (frame: Buffer) => void, onSettled: () => void) {
    this.#send = send;
    this.#onSettled = onSettled;
  }

  /** Whether responses are waited for. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Responds behind everything that is waited for. */
  respond(frame: Buffer): void {
    if (this.#pending.length === 0) this.#send(frame);
    else this.#pending.push({ frame });
  }

  /** Holds a place in the order. */
  reserve(): PendingResponse {
    const response: PendingResponse = { frame: null };
    this.#pending.push(response);
    return response;
  }

  /** Fills a place that was held. */
  settle(response: PendingResponse, frame: Buffer): void {
    response.frame = frame;
    while (this.#pending.length > 0) {
      const { frame: next } = this.#pending[0];
      if (next === null) return;
      this.#pending.shift();
      if (next !== NO_FRAME) this.#send(next);
    }
    this.#onSettled();
  }
}
