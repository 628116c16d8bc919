/**
 * Writes commands into one buffer and sends them once per turn: after the other work of the turn, promises included.
 *
 * Shape: see `protocol/commands.ts`. Thread: any.
 */

import { line } from '../protocol/commands.ts';
import { writeUint32 } from '../shared/big-endian.ts';
import { MESSAGE_ID_BYTES, SIZE_BYTES } from '../shared/limits.ts';
import { borrowSlab, returnSlab, type Slab } from './slabs.ts';

/**
 * A body to publish. Strings are sent as UTF-8.
 *
 * @example
 * ```ts
 * import { type Body, Producer } from 'ringmq/client';
 *
 * const bodies: Body[] = ['text', Buffer.from([1, 2, 3])];
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'] });
 * await producer.publishMany('readings', bodies);
 * await producer.close();
 * ```
 */
export type Body = string | Uint8Array;

/** Most bytes of a 53-bit number and a newline. */
const NUMBER_BYTES_MAX = 17;
/** Larger bodies are sent without a copy. */
const COPIED_BYTES_MAX = 32 * 1024;

const NEWLINE = 0x0a;
const FIN = Buffer.from('FIN ');
const REQ = Buffer.from('REQ ');
const TOUCH = Buffer.from('TOUCH ');

/** Sends bytes, which are not changed later. */
export type ByteSink = { send(bytes: Buffer): void };

/** Writes the commands of one connection. */
export class CommandWriter {
  readonly #sink: ByteSink;
  readonly #flush = (): void => this.flush();
  #slab: Slab | null = null;
  /** The start of the unsent bytes in the slab. */
  #start = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** FIN of the message whose id is at `idAt`. */
  finish(source: Buffer, idAt: number): void {
    this.#answer(FIN, source, idAt);
  }

  /** TOUCH of the message whose id is at `idAt`. */
  touch(source: Buffer, idAt: number): void {
    this.#answer(TOUCH, source, idAt);
  }

  /** REQ of the message whose id is at `idAt`. Units: whole ms. */
  requeue(source: Buffer, idAt: number, delayMs: number): void {
    const slab = this.#room(REQ.length + MESSAGE_ID_BYTES + 1 + NUMBER_BYTES_MAX);
    copyInto(slab, REQ, 0, REQ.length);
    copyInto(slab, source, idAt, idAt + MESSAGE_ID_BYTES);
    slab.at += slab.bytes.write(` ${delayMs}\n`, slab.at, 'latin1');
  }

  /** RDY: `count` messages may be in flight. */
  setReady(count: number): void {
    this.bytes(line('RDY', count));
  }

  /** Raw bytes: complete commands, or the beginning of one. */
  bytes(command: Buffer): void {
    const slab = this.#room(command.length);
    slab.at += command.copy(slab.bytes, slab.at);
  }

  /** A size, and a body of that many bytes. */
  sized(body: Body, bodyBytes: number): void {
    if (bodyBytes > COPIED_BYTES_MAX) {
      this.size(bodyBytes);
      this.flush();
      this.#sink.send(asBuffer(body));
      return;
    }
    const slab = this.#room(SIZE_BYTES + bodyBytes);
    writeUint32(bodyBytes, slab.bytes, slab.at);
    slab.at += SIZE_BYTES;
    if (typeof body === 'string') slab.bytes.write(body, slab.at);
    else slab.bytes.set(body, slab.at);
    slab.at += bodyBytes;
  }

  /** A number in four bytes. */
  size(value: number): void {
    const slab = this.#room(SIZE_BYTES);
    writeUint32(value, slab.bytes, slab.at);
    slab.at += SIZE_BYTES;
  }

  /** Sends the written commands, and returns the rest of the slab. */
  flush(): void {
    this.#isScheduled = false;
    const slab = this.#slab;
    if (slab === null) return;
    this.#slab = null;
    const bytes = slab.bytes.subarray(this.#start, slab.at);
    returnSlab(slab);
    if (bytes.length > 0 && !this.#isClosed) this.#sink.send(bytes);
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #answer(word: Buffer, source: Buffer, idAt: number): void {
    const slab = this.#room(word.length + MESSAGE_ID_BYTES + 1);
    copyInto(slab, word, 0, word.length);
    copyInto(slab, source, idAt, idAt + MESSAGE_ID_BYTES);
    slab.bytes[slab.at++] = NEWLINE;
  }

  #room(bytes: number): Slab {
    if (this.#slab !== null) {
      if (this.#slab.bytes.length - this.#slab.at >= bytes) return this.#slab;
      this.flush();
    }
    const slab = borrowSlab(bytes);
    if (slab.bytes.length - slab.at < bytes) throw new RangeError('a slab is too small');
    this.#slab = slab;
    this.#start = slab.at;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      // after the promises of this turn
      process.nextTick(this.#flush);
    }
    return slab;
  }
}

/** A few bytes: a loop is cheaper than a call of `copy`. */
function copyInto(slab: Slab, source: Buffer, from: number, to: number): void {
  const { bytes } = slab;
  let { at } = slab;
  for (let i = from; i < to; i++) bytes[at++] = source[i];
  slab.at = at;
}

function asBuffer(body: Body): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
