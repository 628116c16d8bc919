/**
 * Keeps a client's responses in the order of its commands, although some are pending longer than others, and after
 * the errors for earlier FIN, REQ and TOUCH commands that a pump refuses.
 *
 * A successful FIN, REQ or TOUCH has no response, so main sends a BARRIER to the pump only when a response follows:
 * the pump answers it after all earlier commands.
 *
 * Thread: main.
 */

import { OK_FRAME } from '../../protocol/frames.ts';

/** Fills a place that needs no response after all. */
const NO_FRAME = Buffer.alloc(0);

/** A pending response. */
export type PendingResponse = { frame: Buffer | null };

/** A pump that may refuse commands. */
interface RefusingPump {
  /** Calls back when no earlier command can be refused any more. */
  barrier(done: () => void): void;
}

/** The destination of frames whose turn has come. */
interface Output {
  add(frame: Buffer): void;
  /** The same for `OK`. */
  addOk(): void;
}

export class ResponseOrder {
  readonly #output: Output;
  /** Called whenever nothing is pending any more. */
  readonly #onSettled: () => void;
  readonly #pending: PendingResponse[] = [];
  /** The pump that may still refuse earlier commands; null if none can, or if it has been asked already. */
  #refusing: RefusingPump | null = null;

  constructor(output: Output, onSettled: () => void) {
    this.#output = output;
    this.#onSettled = onSettled;
  }

  /** Whether responses are pending. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether a pump may still refuse earlier commands. */
  get mayBeRefused(): boolean {
    return this.#refusing !== null;
  }

  /** The pump may refuse a command that was sent to it: later responses wait for that. */
  expectRefusal(pump: RefusingPump): void {
    this.#refusing = pump;
  }

  /** Responds `OK`. */
  respondOk(): void {
    if (this.#pending.length === 0 && this.#refusing === null) this.#output.addOk();
    else this.respond(OK_FRAME);
  }

  respond(frame: Buffer): void {
    if (this.#refusing !== null) this.#respondAfterRefusals(frame);
    else if (this.#pending.length === 0) this.#output.add(frame);
    else this.#pending.push({ frame });
  }

  /** Reserves a place in the order. */
  reserve(): PendingResponse {
    const response: PendingResponse = { frame: null };
    this.#pending.push(response);
    return response;
  }

  /** Fills a reserved place. */
  settle(response: PendingResponse, frame: Buffer): void {
    response.frame = frame;
    while (this.#pending.length > 0) {
      const { frame: next } = this.#pending[0];
      if (next === null) return;
      this.#pending.shift();
      if (next !== NO_FRAME) this.#output.add(next);
    }
    this.#onSettled();
  }

  /** Calls back when no earlier command can be refused any more, which may be at once. */
  afterRefusals(done: () => void): void {
    const pump = this.#refusing;
    this.#refusing = null;
    if (pump === null) done();
    else pump.barrier(done);
  }

  /** No more commands follow: the end waits for possible refusals. */
  end(): void {
    if (this.#refusing !== null) this.#respondAfterRefusals(NO_FRAME);
  }

  #respondAfterRefusals(frame: Buffer): void {
    const response = this.reserve();
    this.afterRefusals(() => this.settle(response, frame));
  }
}
