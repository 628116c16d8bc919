/**
 * The protocol's commands as a load generator needs them: built once, sent many times.
 */

import { dpub, mpub, pub, sized } from '../../../src/protocol/commands.ts';

/** Writes of more than this are made in several. */
const RUN_BYTES_MAX = 1 << 20;

/** Bodies are equal bytes, so compression has an easy time: say so beside its figures. */
const BODY_BYTE = 'x';

/** What a publishing command says. */
export type Publication = {
  readonly topic: string;
  /** Messages of a command; 1 is a PUB. */
  readonly batch: number;
  /** Bytes of a body. */
  readonly size: number;
  /** Above 0, a DPUB of one message. */
  readonly deferMs: number;
};

/** A PUB, MPUB or DPUB. */
export function publishing({ topic, batch, size, deferMs }: Publication): Buffer {
  const body = Buffer.alloc(size, BODY_BYTE);
  if (deferMs > 0) return dpub(topic, deferMs, body);
  if (batch === 1) return pub(topic, body);
  return mpub(
    topic,
    Array.from({ length: batch }, () => body),
  );
}

/** A body of this many bytes, after its size. */
export function sizedBody(size: number): Buffer {
  return sized(Buffer.alloc(size, BODY_BYTE));
}

/** A command many times in a row, so that several go out in one write without being put together each time. */
export class CommandRun {
  /** How many commands one write has at most. */
  readonly max: number;

  readonly #bytes: Buffer;
  readonly #slices: Buffer[];

  /** `wanted`: how many one write ever needs to have. */
  constructor(command: Buffer, wanted: number) {
    this.max = Math.max(1, Math.min(wanted, Math.floor(RUN_BYTES_MAX / command.length)));
    this.#bytes = Buffer.concat(Array.from({ length: this.max }, () => command));
    this.#slices = Array.from({ length: this.max }, (_, index) =>
      this.#bytes.subarray(0, (index + 1) * command.length),
    );
  }

  /** The command, repeated 1 to `max` times. */
  of(count: number): Buffer {
    return this.#slices[count - 1];
  }
}
