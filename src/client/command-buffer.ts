/**
 * Writes commands into one buffer and sends them once per turn: after the other work of the turn, promises included.
 *
 * Shape: see `protocol/commands.ts`. Thread: any.
 */

import { line } from '../protocol/commands.ts';
import { writeUint32 } from '../shared/big-endian.ts';
import { MESSAGE_ID_BYTES, SIZE_BYTES } from '../shared/limits.ts';
import { borrowBlock, type OutputBlock, returnBlock } from './output-blocks.ts';

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
export class CommandBuffer {
  readonly #sink: ByteSink;
  readonly #flush = (): void => this.flush();
  #block: OutputBlock | null = null;
  /** The start of the unsent bytes in the block. */
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
    const block = this.#room(REQ.length + MESSAGE_ID_BYTES + 1 + NUMBER_BYTES_MAX);
    copyInto(block, REQ, 0, REQ.length);
    copyInto(block, source, idAt, idAt + MESSAGE_ID_BYTES);
    block.at += block.bytes.write(` ${delayMs}\n`, block.at, 'latin1');
  }

  /** RDY: `count` messages may be in flight. */
  setReady(count: number): void {
    this.bytes(line('RDY', count));
  }

  /** Raw bytes: complete commands, or the beginning of one. */
  bytes(command: Buffer): void {
    const block = this.#room(command.length);
    block.at += command.copy(block.bytes, block.at);
  }

  /** A size, and a body of that many bytes. */
  sized(body: Body, bodyBytes: number): void {
    if (bodyBytes > COPIED_BYTES_MAX) {
      this.size(bodyBytes);
      this.flush();
      this.#sink.send(asBuffer(body));
      return;
    }
    const block = this.#room(SIZE_BYTES + bodyBytes);
    writeUint32(bodyBytes, block.bytes, block.at);
    block.at += SIZE_BYTES;
    if (typeof body === 'string') block.bytes.write(body, block.at);
    else block.bytes.set(body, block.at);
    block.at += bodyBytes;
  }

  /** A number in four bytes. */
  size(value: number): void {
    const block = this.#room(SIZE_BYTES);
    writeUint32(value, block.bytes, block.at);
    block.at += SIZE_BYTES;
  }

  /** Sends the written commands, and returns the rest of the block. */
  flush(): void {
    this.#isScheduled = false;
    const block = this.#block;
    if (block === null) return;
    this.#block = null;
    const bytes = block.bytes.subarray(this.#start, block.at);
    returnBlock(block);
    if (bytes.length > 0 && !this.#isClosed) this.#sink.send(bytes);
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #answer(word: Buffer, source: Buffer, idAt: number): void {
    const block = this.#room(word.length + MESSAGE_ID_BYTES + 1);
    copyInto(block, word, 0, word.length);
    copyInto(block, source, idAt, idAt + MESSAGE_ID_BYTES);
    block.bytes[block.at++] = NEWLINE;
  }

  #room(bytes: number): OutputBlock {
    if (this.#block !== null) {
      if (this.#block.bytes.length - this.#block.at >= bytes) return this.#block;
      this.flush();
    }
    const block = borrowBlock(bytes);
    if (block.bytes.length - block.at < bytes) throw new RangeError('a block is too small');
    this.#block = block;
    this.#start = block.at;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      // after the promises of this turn
      process.nextTick(this.#flush);
    }
    return block;
  }
}

/** A few bytes: a loop is cheaper than a call of `copy`. */
function copyInto(block: OutputBlock, source: Buffer, from: number, to: number): void {
  const { bytes } = block;
  let { at } = block;
  for (let i = from; i < to; i++) bytes[at++] = source[i];
  block.at = at;
}

function asBuffer(body: Body): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
