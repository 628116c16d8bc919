/**
 * Reads the deliver rings of the pumps and passes frames, refusals, answers, replies and events to their receivers.
 *
 * Between turns it waits on main's doorbell; main also reads the rings in every turn. A timer ends a wait after
 * LOOK_MS, so that a lost wake-up causes a delay but never a hang.
 *
 * Bound: one call of `read` handles the records that were there when it began. Thread: main.
 */

import { setImmediate } from 'node:timers/promises';
import type { Guard, Sender } from '../../daemon/guard.ts';
import { ClientError, type ClientErrorCode } from '../../protocol/client-error.ts';
import { AssertionError, assert } from '../../shared/assert.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import {
  type ControlReply,
  type DeadLetterHead,
  decodeControl,
  type PumpEvent,
} from '../../shared/control.ts';
import { MESSAGE_ID_BYTES } from '../../shared/limits.ts';
import { writeHexWord } from '../../shared/message-id.ts';
import * as records from '../../shared/records.ts';
import type { Doorbell } from '../../shared/ring/doorbell.ts';
import { EMPTY } from '../../shared/ring/ring.ts';
import type { PumpHandle } from './pump-handle.ts';

/** A subscribed connection, as the deliveries see it. */
export interface DeliveryTarget extends Sender {
  /** Message frames: a view that is reused afterwards. */
  deliver(frames: Buffer, count: number): void;
  refuse(error: ClientError): void;
}

/** The dependencies of the deliveries. */
export type DeliveriesOptions = {
  readonly pumps: readonly PumpHandle[];
  readonly bell: Doorbell;
  readonly clock: Pick<Clock, 'after'>;
  /** The connection with this number, if it still exists. */
  readonly target: (consumer: number) => DeliveryTarget | undefined;
  readonly onEvent: (event: PumpEvent) => void;
  /** Gets a pump's dead letters: disk records, a view that is reused afterwards. */
  readonly onDeadLetters: (
    pump: PumpHandle,
    token: number,
    head: DeadLetterHead,
    records: Buffer,
    count: number,
  ) => void;
  readonly guard: Guard;
  /** The bell has rung or something was read: the turn must be ended. */
  readonly onWork: () => void;
};

const REFUSED_COMMANDS: Readonly<Record<number, readonly [ClientErrorCode, string]>> = {
  [records.FINISH]: ['E_FIN_FAILED', 'FIN'],
  [records.REQUEUE]: ['E_REQ_FAILED', 'REQ'],
  [records.TOUCH]: ['E_TOUCH_FAILED', 'TOUCH'],
};
const REFUSED_REASONS: Readonly<Record<number, string>> = {
  [records.REFUSED_NOT_IN_FLIGHT]: 'ID not in flight',
  [records.REFUSED_NOT_OWNER]: 'client does not own message',
};

/** After this time main checks the rings even if its bell has not rung. */
const LOOK_MS = 10_000;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Earlier pieces of incomplete replies. */
  readonly #pieces = new Map<PumpHandle, Buffer[]>();
  #isStopped = false;
  #isRunning = false;
  #look: Timer | null = null;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Reads the rings whenever the bell rings, until `stop`. Errors: rejects with a bug, and can be run again. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#lookLater();
    try {
      await this.#run();
    } finally {
      this.#isRunning = false;
      this.#look?.cancel();
    }
  }

  /** Ends `run`. */
  stop(): void {
    this.#isStopped = true;
    this.#options.bell.ring();
  }

  /** Reads the available records. Returns how many. */
  read(): number {
    let count = 0;
    for (const pump of this.#options.pumps) count += this.#readPump(pump);
    return count;
  }

  #lookLater(): void {
    const { bell, clock } = this.#options;
    this.#look = clock.after(LOOK_MS, () => {
      bell.ring();
      this.#lookLater();
    });
    this.#look.unref();
  }

  async #run(): Promise<void> {
    const { bell, onWork } = this.#options;
    while (!this.#isStopped) {
      const rings = bell.rings();
      bell.fallAsleep();
      // Everything published or released before the flag was seen is found here; later changes ring.
      if (this.read() === 0 && !this.#notifyWritable()) await bell.waitAsync(rings);
      bell.wakeUp();
      // The bell also rings when a ring has room again, with nothing to read.
      onWork();
      // Sockets get their turn before more is read.
      await setImmediate();
    }
  }

  /** Whether anything that waited for room has continued. */
  #notifyWritable(): boolean {
    let hasNotified = false;
    for (const pump of this.#options.pumps) if (pump.notifyWritable()) hasNotified = true;
    return hasNotified;
  }

  #readPump(pump: PumpHandle): number {
    const ring = pump.deliveries;
    if (!ring.look()) return 0;
    let count = 0;
    for (let type = ring.front(); type !== EMPTY; type = ring.front()) {
      try {
        this.#handle(pump, type);
      } finally {
        // If reading continues in order to end the broker, a record that could not be handled is skipped.
        ring.pop();
      }
      count++;
    }
    if (ring.release()) pump.ring();
    return count;
  }

  #handle(pump: PumpHandle, type: number): void {
    const { words, bytes, offset, length } = pump.deliveries;
    const at = offset >>> 2;
    const end = offset + length;
    switch (type) {
      case records.FRAMES: {
        const target = this.#options.target(words[at + records.FRAMES_CONSUMER]);
        const frames = bytes.subarray(offset + records.fieldBytes(records.FRAMES_WORDS), end);
        if (target !== undefined) this.#deliver(target, frames, words[at + records.FRAMES_COUNT]);
        return;
      }
      case records.REFUSED:
        this.#refuse(words, at);
        return;
      case records.ANSWER: {
        const text = bytes.toString('utf8', offset + records.fieldBytes(records.ANSWER_WORDS), end);
        pump.onAnswer(
          words[at + records.ANSWER_TOKEN],
          words[at + records.ANSWER_OK] === 1 ? null : text,
        );
        return;
      }
      case records.REPLY: {
        const piece = bytes.subarray(offset + records.fieldBytes(records.REPLY_WORDS), end);
        const hasMore = words[at + records.REPLY_MORE] === 1;
        this.#reply(pump, words[at + records.REPLY_TOKEN], piece, hasMore);
        return;
      }
      case records.HOLD:
        pump.hold(words[at + records.HOLD_TOPIC], words[at + records.HOLD_ON] === 1);
        return;
      case records.DEAD_LETTERS: {
        const headAt = offset + records.fieldBytes(records.DEAD_LETTERS_WORDS);
        const recordsAt = headAt + words[at + records.DEAD_LETTERS_HEAD_BYTES];
        this.#options.onDeadLetters(
          pump,
          words[at + records.DEAD_LETTERS_TOKEN],
          decodeControl<DeadLetterHead>(bytes.subarray(headAt, recordsAt)),
          bytes.subarray(recordsAt, end),
          words[at + records.DEAD_LETTERS_COUNT],
        );
        return;
      }
      case records.EVENT:
        this.#options.onEvent(decodeControl<PumpEvent>(bytes.subarray(offset, end)));
        return;
      default:
        throw new AssertionError('a pump sends no other records');
    }
  }

  #deliver(target: DeliveryTarget, frames: Buffer, count: number): void {
    try {
      target.deliver(frames, count);
    } catch (error) {
      this.#options.guard.end(target, error);
    }
  }

  #refuse(words: Uint32Array, at: number): void {
    const target = this.#options.target(words[at + records.REFUSED_CONSUMER]);
    if (target === undefined) return;
    const command = REFUSED_COMMANDS[words[at + records.REFUSED_COMMAND]];
    const reason = REFUSED_REASONS[words[at + records.REFUSED_REASON]];
    assert(command !== undefined && reason !== undefined, 'a pump refuses with a known reason');
    const [code, name] = command;
    const id = Buffer.allocUnsafe(MESSAGE_ID_BYTES);
    writeHexWord(words[at + records.REFUSED_ID], id, 0);
    writeHexWord(words[at + records.REFUSED_ID + 1], id, MESSAGE_ID_BYTES / 2);
    try {
      target.refuse(new ClientError(code, `${name} ${id.toString('latin1')} failed ${reason}`));
    } catch (error) {
      this.#options.guard.end(target, error);
    }
  }

  #reply(pump: PumpHandle, token: number, piece: Buffer, hasMore: boolean): void {
    const earlier = this.#pieces.get(pump) ?? [];
    if (hasMore) {
      this.#pieces.set(pump, [...earlier, Buffer.from(piece)]);
      return;
    }
    this.#pieces.delete(pump);
    const bytes = earlier.length === 0 ? piece : Buffer.concat([...earlier, piece]);
    pump.onReply(token, decodeControl<ControlReply>(bytes));
  }
}
