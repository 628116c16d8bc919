/**
 * The commands of a load generator. Publishes are built once and sent many times; the FINs and REQs for the messages of
 * a chunk are written one after another into one buffer.
 */

import { dpub, mpub, pub, sized } from '../../../src/protocol/commands.ts';
import { MESSAGE_ID_OFFSET } from './frame-reader.ts';
import { payloadBodies } from './payload.ts';

/** Larger writes are split. */
const RUN_BYTES_MAX = 1 << 20;

/** This many commands of a run have different bodies: more than the window of a compressor. */
const VARIANTS = 256;

/** The content of a publishing command. */
export type Publication = {
  readonly topic: string;
  /** Messages of a command; 1 is a PUB. */
  readonly batch: number;
  /** Bytes of a body. */
  readonly size: number;
  /** Above 0: a DPUB of one message. */
  readonly deferMs: number;
  /** As `--payload`; equal bytes if missing. */
  readonly payload?: string;
};

/** A PUB, MPUB or DPUB. */
export function publishing(publication: Publication): Buffer {
  const { size, batch, payload } = publication;
  return commandOf(publication, payloadBodies(size, batch, payload));
}

/** The same command many times in a row, with different bodies if the payload has them. */
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

/**
 * Commands of one length many times in a row, so that several can be sent with one write without being assembled each
 * time.
 */
export class CommandRun {
  /** The maximum number of commands in one write. */
  readonly max: number;

  readonly #bytes: Buffer;
  readonly #slices: Buffer[];

  /** `wanted`: the maximum number that one write needs. */
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

const OPCODE_BYTES = 4;
const ID_BYTES = 16;
/** Bytes of `REQ `, an id and ` 0` with its newline, the longer one of the two commands. */
const ANSWER_BYTES_MAX = 23;
const INITIAL_BYTES = 4096;
const FIN = 0x46494e20;
const REQ = 0x52455120;
/** A space and a zero: the message is requeued without a delay. */
const NO_DELAY = 0x2030;
const LF = 0x0a;

export class AnswerBatch {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  #view = viewOf(this.#bytes);
  #end = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Everything that was added since the last `clear`; a view that the next `add` may invalidate. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  finish(message: DataView, at: number): void {
    this.#begin(FIN, message, at);
    this.#view.setUint8(this.#end++, LF);
  }

  requeue(message: DataView, at: number): void {
    this.#begin(REQ, message, at);
    this.#view.setUint16(this.#end, NO_DELAY);
    this.#view.setUint8(this.#end + 2, LF);
    this.#end += 3;
  }

  /** Starts again, in the same memory if the owner of the bytes has released them. */
  clear(isFree: boolean): void {
    // as much as the last ones took, and a quarter more: the next ones will be about as many
    const wanted = Math.max(INITIAL_BYTES, this.#end + (this.#end >> 2));
    this.#end = 0;
    this.#count = 0;
    if (isFree) return;
    this.#bytes = Buffer.allocUnsafe(wanted);
    this.#view = viewOf(this.#bytes);
  }

  #begin(opcode: number, message: DataView, at: number): void {
    if (this.#end + ANSWER_BYTES_MAX > this.#bytes.length) this.#grow();
    const view = this.#view;
    view.setUint32(this.#end, opcode);
    // in words of 32 bits, which costs a tenth of a call of copy
    const to = this.#end + OPCODE_BYTES;
    const from = at + MESSAGE_ID_OFFSET;
    view.setInt32(to, message.getInt32(from));
    view.setInt32(to + 4, message.getInt32(from + 4));
    view.setInt32(to + 8, message.getInt32(from + 8));
    view.setInt32(to + 12, message.getInt32(from + 12));
    this.#end = to + ID_BYTES;
    this.#count++;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
