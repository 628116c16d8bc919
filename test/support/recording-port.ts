/**
 * A connection as its commands see it, without a socket: it records what they send, and what they wait for.
 *
 * Thread: main.
 */

import type { AuthState } from '../../src/main/auth/auth-state.ts';
import { Client, initialSettings } from '../../src/main/tcp/client.ts';
import type { ClientPort } from '../../src/main/tcp/client-port.ts';
import { CLOSED, NEXT, type Step, WAIT } from '../../src/main/tcp/command-handler.ts';
import { ResponseOrder } from '../../src/main/tcp/response-order.ts';
import type { ChannelMember } from '../../src/main/topics/topic-map.ts';
import { ClientError } from '../../src/protocol/client-error.ts';
import { errorFrame, OK_FRAME } from '../../src/protocol/frames.ts';
import { FRAME_HEADER_BYTES } from '../../src/shared/limits.ts';
import { optionsWith } from './broker-turns.ts';

export class RecordingPort implements ClientPort {
  readonly client: Client;
  readonly member: ChannelMember = { number: 1, destroy: () => undefined };
  readonly responses: ResponseOrder;
  /** The sum of all charges. */
  cost = 0;
  /** Whether the bytes of a command stay intact while it waits. */
  canLend = true;
  /** Promises that commands wait for. */
  readonly awaited: Promise<void>[] = [];
  /** How many times a command has waited for room in a ring. */
  ringWaits = 0;
  /** The layers that were requested. */
  readonly upgrades: unknown[] = [];
  readonly #frames: Buffer[] = [];

  constructor(auth: AuthState | null = null) {
    this.client = new Client(1, 'host', 4150, 0, initialSettings('host', optionsWith({})), auth);
    const output = {
      add: (frame: Buffer): void => void this.#frames.push(frame),
      addOk: (): void => void this.#frames.push(OK_FRAME),
    };
    this.responses = new ResponseOrder(output, () => undefined);
  }

  /** Removes and returns the data of the frames that were sent. */
  sent(): string[] {
    return this.#frames.splice(0).map((frame) => frame.toString('latin1', FRAME_HEADER_BYTES));
  }

  fail(error: ClientError): typeof NEXT | typeof CLOSED {
    // As a connection does: only a fatal error waits for earlier responses.
    if (!error.isFatal) {
      this.#frames.push(errorFrame(error.data));
      return NEXT;
    }
    this.responses.respond(errorFrame(error.data));
    return CLOSED;
  }

  charge(cost: number): void {
    this.cost += cost;
  }

  respondLater(): (outcome: Buffer | ClientError) => void {
    const place = this.responses.reserve();
    return (outcome) =>
      this.responses.settle(
        place,
        outcome instanceof ClientError ? errorFrame(outcome.data) : outcome,
      );
  }

  upgrade(_response: Buffer, layers: unknown): void {
    this.upgrades.push(layers);
  }

  waitFor(promise: Promise<void>): Step {
    this.awaited.push(promise);
    return WAIT;
  }

  lend(): boolean {
    return this.canLend;
  }

  waitUntilWritable(): Step {
    this.ringWaits++;
    return WAIT;
  }
}
