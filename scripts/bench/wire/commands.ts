/**
 * The protocol's commands as a load generator needs them: built once, sent many times.
 */

import { dpub, mpub, pub, sized } from '../../../src/protocol/commands.ts';
import { payloadBodies } from './payload.ts';

/** Writes of more than this are made in several. */
const RUN_BYTES_MAX = 1 << 20;

/** So many commands of a run differ in their bodies: more than a compressor looks back on. */
const VARIANTS = 256;

/** What a publishing command says. */
export type Publication = {
  readonly topic: string;
  /** Messages of a command; 1 is a PUB. */
  readonly batch: number;
  /** Bytes of a body. */
  readonly size: number;
  /** Above 0, a DPUB of one message. */
  readonly deferMs: number;
  /** As `--payload`; equal bytes without it. */
  readonly payload?: string;
};

/** A PUB, MPUB or DPUB. */
export function publishing(publication: Publication): Buffer {
  const { size, batch, payload } = publication;
  return commandOf(publication, payloadBodies(size, batch, payload));
}

/** The same many times in a row, with different bodies where the payload has them. */
export function publishingRun(publication: Publication, wanted: number): CommandRun {
  const { size, batch, payload } = publication;
  const count = Math.min(wanted, VARIANTS);
  const bodies = payloadBodies(size, batch * count, payload);
  const commands = Array.from({ length: count }, (_, index) =>
    commandOf(publication, bodies.slice(index * batch, (index + 1) * batch)),
  );
  return new CommandRun(commands, wanted);
}

function commandOf({ topic, deferMs }: Publication, bodies: readonly Buffer[]): Buffer {
  if (deferMs > 0) return dpub(topic, deferMs, bodies[0]);
  return bodies.length === 1 ? pub(topic, bodies[0]) : mpub(topic, bodies);
}

/** A body of this many bytes, after its size. */
export function sizedBody(size: number): Buffer {
  return sized(Buffer.alloc(size));
}

/** Commands of one length many times in a row, so that several go out in one write without being put together each time. */
export class CommandRun {
  /** How many commands one write has at most. */
  readonly max: number;

  readonly #bytes: Buffer;
  readonly #slices: Buffer[];

  /** `wanted`: how many one write ever needs to have. */
  constructor(commands: readonly Buffer[], wanted: number) {
    const { length } = commands[0];
    this.max = Math.max(1, Math.min(wanted, Math.floor(RUN_BYTES_MAX / length)));
    this.#bytes = Buffer.concat(
      Array.from({ length: this.max }, (_, index) => commands[index % commands.length]),
    );
    this.#slices = Array.from({ length: this.max }, (_, index) =>
      this.#bytes.subarray(0, (index + 1) * length),
    );
  }

  /** The first 1 to `max` commands. */
  of(count: number): Buffer {
    return this.#slices[count - 1];
  }
}
