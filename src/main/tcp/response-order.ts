/**
 * The order of a client's responses: they come in the order of its commands, although some have to be waited
 * for, and after the errors of a pump that refuses a FIN, REQ or TOUCH that was sent before.
 *
 * A command that a pump may refuse has no response, so the pump is asked only when a response follows it (BARRIER):
 * it answers when it has taken all commands that were sent before.
 *
 * Thread: main.
 */

import { OK_FRAME } from '../../protocol/frames.ts';

/** Fills a place that turns out to need no response. */
const NO_FRAME = Buffer.alloc(0);

/** A response that is still to come. */
export type PendingResponse = { frame: Buffer | null };

/** A pump that commands were sent to. */
interface RefusingPump {
  /** Calls back when nothing that was sent before can be refused any more. */
  barrier(done: () => void): void;
}

/** What takes frames that are next in order. */
interface Output {
  add(frame: Buffer): void;
  /** The same for `OK`. */
  addOk(): void;
}

export class ResponseOrder {
  readonly #output: Output;
  /** Called whenever nothing is waited for any more. */
  readonly #onSettled: () => void;
  readonly #pending: PendingResponse[] = [];
  /** Who may still refuse what was sent; null where nobody can, or was asked already. */
  #refusing: RefusingPump | null = null;

  constructor(output: Output, onSettled: () => void) {
    this.#output = output;
    this.#onSettled = onSettled;
  }

  /** Whether responses are waited for. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether a pump may still refuse what was sent. */
  get mayBeRefused(): boolean {
    return this.#refusing !== null;
  }

  /** A command was sent that the pump may refuse: responses come after that. */
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
      if (next !== NO_FRAME) this.#output.add(next);
    }
    this.#onSettled();
  }

  /** Calls back once nothing that was sent before can be refused any more; at once if that is so now. */
  afterRefusals(done: () => void): void {
    const pump = this.#refusing;
    this.#refusing = null;
    if (pump === null) done();
    else pump.barrier(done);
  }

  /** Nothing more comes: the end waits for what can still be refused. */
  end(): void {
    if (this.#refusing !== null) this.#respondAfterRefusals(NO_FRAME);
  }

  #respondAfterRefusals(frame: Buffer): void {
    const response = this.reserve();
    this.afterRefusals(() => this.settle(response, frame));
  }
}
