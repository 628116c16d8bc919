/**
 * Splits what a connection sends into commands: the magic, lines, and the bodies that follow some of them.
 *
 * Whatever is whole within a chunk is handed on as a view of the chunk; only what a chunk leaves unfinished is
 * gathered in a buffer of the connection's own, together with what it lacks from the next ones. The handler decides
 * what a command means, which body follows it and whether a size is allowed, at the earliest byte that tells.
 *
 * Shape of a command: `NAME[ SP param]* [CR] LF`, then for some
 *     size(4) body(size)                    PUB DPUB IDENTIFY AUTH
 *     size(4) count(4) { size(4) body }*    MPUB; what counts is `count`, not the first size
 *
 * Bound: the buffer holds one unfinished command, at most a line or a body of the largest size allowed, and while
 * commands wait, the chunk that they came in. Up to what a read brings it grows with what has arrived; then it is as
 * large as what was announced, for which there is room by then (`BodyShare`), and takes memory as it is filled.
 *
 * Thread: main. Source: nsqd `protocolV2.IOLoop`, `readMPUB`.
 */

import { readInt32 } from '../../shared/big-endian.ts';
import { MESSAGE_ID_BYTES, SIZE_BYTES } from '../../shared/limits.ts';
import { NOT_HEX, parseHexWord } from '../../shared/message-id.ts';
import { BYTES_PER_COST, FINISH_COST, LINE_COST } from '../limits/turn-budget.ts';
import {
  BATCH,
  CLOSED,
  type CommandHandler,
  NEXT,
  type Place,
  type Step,
  WAIT,
} from './command-handler.ts';
import { spareBuffers } from './spare-buffers.ts';

/** Longest line, its newline included. */
const LINE_BYTES_MAX = 16384;
const MAGIC_BYTES = 4;
/** `FIN `, an id, newline: by far the most frequent command, recognised without looking for the newline. */
const FIN_LINE_BYTES = 4 + MESSAGE_ID_BYTES + 1;
const LF = 0x0a;
const CR = 0x0d;
const FIN_WORD = 0x46494e20;
/** No read brings more. */
const READ_BYTES_MAX = 256 * 1024;
const NOTHING = Buffer.alloc(0);

export class CommandParser {
  /** Where it stands; tells what is missing when the input ends. */
  place: Place = 'magic';
  /** For places inside a message of an MPUB: which. */
  messageIndex = 0;
  /** Commands that have been taken whole. */
  commandCount = 0;
  /** What it may still take before it waits by itself, see `TurnBudget`. What it takes goes off; may be below zero. */
  allowance = Number.POSITIVE_INFINITY;

  readonly #handler: CommandHandler;
  /** Input not yet taken: `#bytes` from `#at` to `#end`. */
  #bytes: Buffer = NOTHING;
  #at = 0;
  #end = 0;
  /** Whether `#bytes` is the parser's own, taken from the spare ones, as opposed to a chunk. */
  #isOwn = false;
  /** Whether a handler that waits still reads from `#bytes`. */
  #isLent = false;
  #isWaiting = false;
  #isClosed = false;
  /** Bytes behind `#at` that are known to hold no newline. */
  #scanned = 0;
  /** Of the body that is expected: its size, or the bytes of an MPUB's messages so far and their number. */
  #bodySize = 0;
  #batchCount = 0;
  #batchBytes = 0;
  /** What an MPUB's messages take by its announced size, which nothing but the gathering goes by. */
  #batchBytesAnnounced = 0;

  constructor(handler: CommandHandler) {
    this.#handler = handler;
  }

  /** Whether it waits for `resume`, or for an allowance; feed it nothing meanwhile. */
  get isWaiting(): boolean {
    return this.#isWaiting || this.allowance <= 0;
  }

  /** Bytes that it holds. */
  get heldBytes(): number {
    return this.#end - this.#at;
  }

  /** What these take when the body among them is whole; the same where no body is expected. */
  get wantedBytes(): number {
    const isInBody = this.place.endsWith('body') || this.place === 'message size';
    if (!isInBody || this.isWaiting || this.#isClosed) return this.heldBytes;
    return this.heldBytes + Math.max(1, this.#lackingBytes(NOTHING, 0));
  }

  /** Takes the next bytes of the connection. They may be reused when this returns. */
  feed(chunk: Buffer): void {
    this.#takeChunk(chunk);
    // Behind the commands, so that even a large read brings some.
    this.allowance -= Math.floor(chunk.length / BYTES_PER_COST);
  }

  /** Takes nothing, but holds what it is fed, until `resume`. */
  wait(): void {
    this.#isWaiting = true;
  }

  /** Goes on after WAIT, and as far as its allowance goes. */
  resume(): void {
    if (this.#isClosed) return;
    this.#isWaiting = false;
    this.#run();
    if (this.heldBytes === 0) this.#letGo();
  }

  /** Leaves the bytes as they are that a handler answers WAIT for; false: they are reused, and it has to copy them. */
  lend(): boolean {
    this.#isLent = this.#isOwn;
    return this.#isLent;
  }

  /** Gives back what it holds and has not taken; it holds nothing then. */
  takeHeld(): Buffer {
    const held = Buffer.from(this.#bytes.subarray(this.#at, this.#end));
    this.#scanned = 0;
    this.#letGo();
    return held;
  }

  /** Takes nothing more. */
  close(): void {
    this.#isClosed = true;
    // Not given back: who closes may be a handler that has not done with what it was handed.
    this.#isOwn = false;
    this.#letGo();
  }

  /** Closes, and gives back what it holds: not from within a handler. */
  drop(): void {
    this.#letGo();
    this.close();
  }

  #takeChunk(chunk: Buffer): void {
    let at = 0;
    while (this.heldBytes > 0 && at < chunk.length && !this.#isClosed) {
      const end = Math.min(chunk.length, at + this.#lackingBytes(chunk, at));
      this.#append(chunk, at, end);
      at = end;
      this.#run();
      if (this.heldBytes === 0) this.#letGo();
    }
    if (this.#isClosed || at === chunk.length) return;
    this.#bytes = chunk;
    this.#at = at;
    this.#end = chunk.length;
    this.#run();
    this.#keepRest();
  }

  #run(): void {
    while (!this.#isClosed && !this.isWaiting && this.#advance());
  }

  /** Takes the next piece. Returns false when it is not there yet. */
  #advance(): boolean {
    switch (this.place) {
      case 'line':
        return this.#takeLine();
      case 'body':
        return this.#takeBody();
      case 'size':
        return this.#takeSize();
      case 'count':
        return this.#takeCount();
      case 'message size':
      case 'message body':
        return this.#takeBatch();
      case 'magic':
        return this.#takeMagic();
    }
  }

  #has(count: number): boolean {
    return this.#end - this.#at >= count;
  }

  #takeMagic(): boolean {
    if (!this.#has(MAGIC_BYTES)) return false;
    if (!this.#handler.onMagic(this.#bytes, this.#at)) return this.#stop();
    this.#at += MAGIC_BYTES;
    this.place = 'line';
    return true;
  }

  #takeLine(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (
      this.#end - at >= FIN_LINE_BYTES &&
      bytes[at + FIN_LINE_BYTES - 1] === LF &&
      readInt32(bytes, at) === FIN_WORD
    ) {
      const high = parseHexWord(bytes, at + 4);
      const low = parseHexWord(bytes, at + 12);
      if (high !== NOT_HEX && low !== NOT_HEX) {
        this.allowance -= FINISH_COST;
        return this.#taken(this.#handler.onFinish(high, low), FIN_LINE_BYTES);
      }
    }
    const found = bytes.indexOf(LF, at + this.#scanned);
    if (found === -1 || found >= this.#end) {
      this.#scanned = this.#end - at;
      return this.#scanned < LINE_BYTES_MAX ? false : this.#stopAtLongLine();
    }
    if (found + 1 - at > LINE_BYTES_MAX) return this.#stopAtLongLine();
    const end = found > at && bytes[found - 1] === CR ? found - 1 : found;
    this.allowance -= LINE_COST;
    return this.#taken(this.#handler.onLine(bytes, at, end), found + 1 - at);
  }

  /** A handler has answered for a piece of so many bytes. */
  #taken(step: Step, bytes: number): boolean {
    if (step === WAIT) {
      this.#isWaiting = true;
      return false;
    }
    this.#isLent = false;
    if (step === CLOSED) return this.#stop();
    this.#at += bytes;
    this.#scanned = 0;
    if (step === NEXT) {
      this.place = 'line';
      this.commandCount++;
    } else {
      this.place = 'size';
      this.#batchCount = step === BATCH ? -1 : 0;
    }
    return true;
  }

  #takeSize(): boolean {
    if (!this.#has(SIZE_BYTES)) return false;
    const size = readInt32(this.#bytes, this.#at);
    if (this.#batchCount === -1) {
      if (!this.#handler.onBatchSize(size)) return this.#stop();
      this.#at += SIZE_BYTES;
      this.#batchBytesAnnounced = size - SIZE_BYTES;
      this.place = 'count';
      return true;
    }
    if (!this.#handler.onBodySize(size)) return this.#stop();
    // The size field stays in front of the body: together they are what the publish ring takes.
    this.#bodySize = size;
    this.place = 'body';
    return true;
  }

  #takeBody(): boolean {
    const length = SIZE_BYTES + this.#bodySize;
    if (!this.#has(length)) return false;
    const step = this.#handler.onBody(this.#bytes, this.#at + SIZE_BYTES, this.#bodySize);
    return this.#taken(step, length);
  }

  #takeCount(): boolean {
    if (!this.#has(SIZE_BYTES)) return false;
    const count = readInt32(this.#bytes, this.#at);
    if (!this.#handler.onBatchCount(count)) return this.#stop();
    this.#at += SIZE_BYTES;
    this.#batchCount = count;
    this.#batchBytes = 0;
    this.messageIndex = 0;
    this.place = 'message size';
    return true;
  }

  /** Walks over the messages of an MPUB as far as they have come, and as its allowance goes. */
  #takeBatch(): boolean {
    while (this.messageIndex < this.#batchCount) {
      if (!this.#has(this.#batchBytes + SIZE_BYTES)) {
        this.place = 'message size';
        return false;
      }
      const size = readInt32(this.#bytes, this.#at + this.#batchBytes);
      const bytes = this.#batchBytes + SIZE_BYTES + size;
      if (this.place === 'message size') {
        if (!this.#handler.onBatchMessageSize(this.messageIndex, size, bytes)) return this.#stop();
        this.place = 'message body';
      }
      if (!this.#has(bytes)) return false;
      this.#batchBytes = bytes;
      this.messageIndex++;
      this.place = 'message size';
      if (this.allowance <= 0 && this.messageIndex < this.#batchCount) return false;
    }
    const step = this.#handler.onBatch(this.#bytes, this.#at, this.#batchBytes, this.#batchCount);
    return this.#taken(step, this.#batchBytes);
  }

  #stopAtLongLine(): false {
    this.#handler.onLineTooLong();
    return this.#stop();
  }

  #stop(): false {
    this.close();
    return false;
  }

  /** How much of the chunk belongs to the piece of a command that is held and unfinished: at least one byte. */
  #lackingBytes(chunk: Buffer, at: number): number {
    const held = this.heldBytes;
    // Commands that wait cannot be told apart, and are held together with what comes behind them.
    if (this.isWaiting) return chunk.length;
    switch (this.place) {
      case 'magic':
        return MAGIC_BYTES - held;
      case 'line': {
        const found = chunk.indexOf(LF, at);
        return found === -1 ? chunk.length : found + 1 - at;
      }
      case 'size':
      case 'count':
        return SIZE_BYTES - held;
      case 'body':
        return SIZE_BYTES + this.#bodySize - held;
      case 'message size':
        return this.#lackingBatchBytes(0);
      case 'message body':
        return this.#lackingBatchBytes(readInt32(this.#bytes, this.#at + this.#batchBytes));
    }
  }

  /** As much as is announced, which saves going from message to message; if that is less, up to the next one's end. */
  #lackingBatchBytes(bodyBytes: number): number {
    const next = this.#batchBytes + SIZE_BYTES + bodyBytes;
    return Math.max(this.#batchBytesAnnounced, next) - this.heldBytes;
  }

  /** Bytes of the piece that is held in part, as far as they are known. */
  #pieceBytesMax(): number {
    if (this.isWaiting) return Number.POSITIVE_INFINITY;
    if (this.place === 'body') return SIZE_BYTES + this.#bodySize;
    return this.place.startsWith('message') ? this.#batchBytesAnnounced : Number.POSITIVE_INFINITY;
  }

  #append(chunk: Buffer, at: number, end: number): void {
    const needed = this.heldBytes + end - at;
    if (needed > this.#bytes.length) this.#moveTo(spareBuffers.take(this.#largerThan(needed)));
    else if (this.#end + end - at > this.#bytes.length) {
      this.#moveTo(this.#isLent ? spareBuffers.take(needed) : this.#bytes);
    }
    chunk.copy(this.#bytes, this.#end, at, end);
    this.#end += end - at;
  }

  /**
   * Twice as large each time, or a body in many chunks is copied for each; but no larger than all. What is large is
   * made as large as all at once, with room for what a read brings behind it: a copy of megabytes holds others up.
   */
  #largerThan(needed: number): number {
    const all = this.#pieceBytesMax();
    if (needed < READ_BYTES_MAX || all < READ_BYTES_MAX || !Number.isFinite(all)) {
      return Math.max(needed, Math.min(2 * this.#bytes.length, all));
    }
    return Math.max(needed, all + READ_BYTES_MAX);
  }

  /** Moves what is held to the beginning of a buffer of the parser's own. */
  #moveTo(own: Buffer): void {
    const held = this.heldBytes;
    this.#bytes.copy(own, 0, this.#at, this.#end);
    if (this.#isOwn && !this.#isLent && own !== this.#bytes) spareBuffers.give(this.#bytes);
    this.#bytes = own;
    this.#at = 0;
    this.#end = held;
    this.#isOwn = true;
  }

  /** Chunks belong to somebody else: what is left of one is copied. */
  #keepRest(): void {
    if (this.heldBytes > 0) this.#moveTo(spareBuffers.take(this.heldBytes));
    else this.#letGo();
  }

  /** Holds nothing more. */
  #letGo(): void {
    if (this.#isOwn && !this.#isLent) spareBuffers.give(this.#bytes);
    this.#bytes = NOTHING;
    this.#isOwn = false;
    this.#isLent = false;
    this.#at = 0;
    this.#end = 0;
  }
}
