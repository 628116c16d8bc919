/**
 * Splits a connection's input into commands: the magic, lines, and the bodies that follow some of them.
 *
 * A command that is complete within a chunk is passed on as a view of the chunk; only an incomplete rest is copied to
 * a buffer of the connection and completed from the next chunks. The handler decides, at the earliest possible byte,
 * what a command means, which body follows it and whether a size is allowed.
 *
 * Shape of a command: `NAME[ SP param]* [CR] LF`, then for some
 *     size(4) body(size)                    PUB DPUB IDENTIFY AUTH
 *     size(4) count(4) { size(4) body }*    MPUB; what counts is `count`, not the first size
 *
 * Bound: it holds one incomplete command, at most a line or a body of the largest allowed size, and while commands
 * wait, the chunk that they are in.
 *
 * Thread: main. Source: nsqd `protocolV2.IOLoop`, `readMPUB`.
 */

import type { ClientError } from '../../protocol/client-error.ts';
import { assert } from '../../shared/assert.ts';
import { readInt32 } from '../../shared/big-endian.ts';
import { MESSAGE_ID_BYTES, SIZE_BYTES } from '../../shared/limits.ts';
import { NOT_HEX, parseHexWord } from '../../shared/message-id.ts';
import { BYTES_PER_COST, FINISH_COST, LINE_COST } from '../limits/turn-budget.ts';
import {
  type BatchBodyHandler,
  CLOSED,
  type CommandHandler,
  type Place,
  type SizedBodyHandler,
  type Step,
  WAIT,
} from './command-handler.ts';
import { InputBuffer } from './input-buffer.ts';

/** Longest line, its newline included. */
const LINE_BYTES_MAX = 16384;
const MAGIC_BYTES = 4;
/** `FIN `, an id, newline: by far the most frequent command, recognized without a search for the newline. */
const FIN_LINE_BYTES = 4 + MESSAGE_ID_BYTES + 1;
const LF = 0x0a;
const CR = 0x0d;
const FIN_WORD = 0x46494e20;
const NOTHING = Buffer.alloc(0);

export class CommandParser {
  /** Commands that have been handled. */
  commandCount = 0;
  /**
   * The remaining cost before it waits by itself, see `TurnBudget`. Each command deducts from it; may be negative.
   */
  allowance = Number.POSITIVE_INFINITY;

  readonly #handler: CommandHandler;
  /** The position within a command; determines the error when the input ends. */
  #place: Place = 'magic';
  readonly #input = new InputBuffer();
  #isWaiting = false;
  #isClosed = false;
  /** Bytes after `#at` that are known to hold no newline. */
  #scanned = 0;
  /** The handler of the expected body: one of the two, or neither before the first body. */
  #sized: SizedBodyHandler | null = null;
  #batch: BatchBodyHandler | null = null;
  /** Of that body: its size, or for an MPUB the number of messages, the next of them, and the bytes before it. */
  #bodySize = 0;
  #batchCount = 0;
  #messageIndex = 0;
  #batchBytes = 0;
  /** The declared size of an MPUB's messages, used only to size the buffer. */
  #batchBytesAnnounced = 0;

  constructor(handler: CommandHandler) {
    this.#handler = handler;
  }

  /** Whether it waits for `resume` or for an allowance; do not feed it meanwhile. */
  get isWaiting(): boolean {
    return this.#isWaiting || this.allowance <= 0;
  }

  /** Bytes held. */
  get heldBytes(): number {
    return this.#input.heldBytes;
  }

  /** The size of the held bytes once the body among them is complete; `heldBytes` if no body is expected. */
  get wantedBytes(): number {
    const { heldBytes } = this.#input;
    const isInBody = this.#place.endsWith('body') || this.#place === 'message size';
    if (!isInBody || this.#isWaiting || this.#isClosed) return heldBytes;
    // A body that only waits for an allowance may be complete; an incomplete one needs its rest in any case.
    const lackingMin = this.allowance > 0 ? 1 : 0;
    return heldBytes + Math.max(lackingMin, this.#lackingAtPlace(NOTHING, 0));
  }

  /** Parses the next bytes of the connection. The caller may reuse them afterwards. */
  feed(chunk: Buffer): void {
    this.#takeChunk(chunk);
    // After the commands, so that even a large read handles some.
    this.allowance -= Math.floor(chunk.length / BYTES_PER_COST);
  }

  /** Until `resume`, only holds what it is fed. */
  wait(): void {
    this.#isWaiting = true;
  }

  /** Continues after WAIT, as far as the allowance permits. */
  resume(): void {
    if (this.#isClosed) return;
    this.#isWaiting = false;
    this.#run();
    if (this.#input.heldBytes === 0) this.#input.letGo();
  }

  /**
   * Keeps the bytes of a command intact while its handler waits; false: they are reused, and the handler has to copy
   * them.
   */
  lend(): boolean {
    return this.#input.lend();
  }

  /** Returns the held bytes and holds nothing afterwards. */
  takeHeld(): Buffer {
    this.#scanned = 0;
    return this.#input.takeAll();
  }

  /** The error to send if the input ends here; undefined between commands. */
  cutOff(): ClientError | undefined {
    if (this.#place === 'magic' || this.#place === 'line') return undefined;
    return (this.#batch ?? this.#sized)?.cutOff(this.#place, this.#messageIndex);
  }

  /** Stops parsing. */
  close(): void {
    this.#isClosed = true;
    // Not returned: the caller may be a handler that still uses the bytes of its command.
    this.#input.leave();
  }

  /** Closes, and returns the held memory. Must not be called from within a handler. */
  drop(): void {
    this.#input.letGo();
    this.close();
  }

  #takeChunk(chunk: Buffer): void {
    const input = this.#input;
    let at = 0;
    while (input.heldBytes > 0 && at < chunk.length && !this.#isClosed) {
      const end = Math.min(chunk.length, at + this.#lackingBytes(chunk, at));
      input.append(chunk, at, end, this.#pieceBytesMax());
      at = end;
      this.#run();
      if (input.heldBytes === 0) input.letGo();
    }
    if (this.#isClosed || at === chunk.length) return;
    input.show(chunk, at);
    this.#run();
    input.keep();
  }

  #run(): void {
    while (!this.#isClosed && !this.isWaiting && this.#advance());
  }

  /** Handles the next piece. Returns false if it is incomplete. */
  #advance(): boolean {
    switch (this.#place) {
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

  #takeMagic(): boolean {
    const input = this.#input;
    if (input.heldBytes < MAGIC_BYTES) return false;
    if (!this.#handler.onMagic(input.bytes, input.at)) return this.#stop();
    input.at += MAGIC_BYTES;
    this.#place = 'line';
    return true;
  }

  #takeLine(): boolean {
    const { bytes, at, end: inputEnd } = this.#input;
    if (
      inputEnd - at >= FIN_LINE_BYTES &&
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
    if (found === -1 || found >= inputEnd) {
      this.#scanned = inputEnd - at;
      return this.#scanned < LINE_BYTES_MAX ? false : this.#stopAtLongLine();
    }
    if (found + 1 - at > LINE_BYTES_MAX) return this.#stopAtLongLine();
    const end = found > at && bytes[found - 1] === CR ? found - 1 : found;
    this.allowance -= LINE_COST;
    const answer = this.#handler.onLine(bytes, at, end);
    if (typeof answer === 'number') return this.#taken(answer, found + 1 - at);
    return this.#expect(answer, found + 1 - at);
  }

  /** Applies a handler's result for a piece of this many bytes. */
  #taken(step: Step, bytes: number): boolean {
    if (step === WAIT) {
      this.#isWaiting = true;
      return false;
    }
    this.#input.endLoan();
    if (step === CLOSED) return this.#stop();
    this.#input.at += bytes;
    this.#scanned = 0;
    this.#place = 'line';
    this.commandCount++;
    return true;
  }

  /** A body follows a line of this many bytes. */
  #expect(body: SizedBodyHandler | BatchBodyHandler, bytes: number): true {
    this.#sized = body.kind === 'sized' ? body : null;
    this.#batch = body.kind === 'batch' ? body : null;
    this.#input.at += bytes;
    this.#scanned = 0;
    this.#place = 'size';
    return true;
  }

  #takeSize(): boolean {
    const input = this.#input;
    if (input.heldBytes < SIZE_BYTES) return false;
    const size = readInt32(input.bytes, input.at);
    if (this.#batch !== null) {
      if (!this.#batch.onSize(size)) return this.#stop();
      input.at += SIZE_BYTES;
      this.#batchBytesAnnounced = size - SIZE_BYTES;
      this.#place = 'count';
      return true;
    }
    if (this.#sized?.onSize(size) !== true) return this.#stop();
    // The size field stays in front of the body: the publish ring takes both together.
    this.#bodySize = size;
    this.#place = 'body';
    return true;
  }

  #takeBody(): boolean {
    const length = SIZE_BYTES + this.#bodySize;
    const input = this.#input;
    if (input.heldBytes < length) return false;
    const body = this.#sized;
    assert(body !== null, 'an expected body has a handler');
    return this.#taken(body.onBody(input.bytes, input.at + SIZE_BYTES, this.#bodySize), length);
  }

  #takeCount(): boolean {
    const input = this.#input;
    if (input.heldBytes < SIZE_BYTES) return false;
    const count = readInt32(input.bytes, input.at);
    if (this.#batch?.onCount(count) !== true) return this.#stop();
    input.at += SIZE_BYTES;
    this.#batchCount = count;
    this.#batchBytes = 0;
    this.#messageIndex = 0;
    this.#place = 'message size';
    return true;
  }

  /** Scans the messages of an MPUB as far as they have arrived and the allowance permits. */
  #takeBatch(): boolean {
    const input = this.#input;
    const batch = this.#batch;
    assert(batch !== null, 'an expected batch has a handler');
    while (this.#messageIndex < this.#batchCount) {
      if (input.heldBytes < this.#batchBytes + SIZE_BYTES) {
        this.#place = 'message size';
        return false;
      }
      const size = readInt32(input.bytes, input.at + this.#batchBytes);
      const bytes = this.#batchBytes + SIZE_BYTES + size;
      if (this.#place === 'message size') {
        if (!batch.onMessageSize(this.#messageIndex, size, bytes)) return this.#stop();
        this.#place = 'message body';
      }
      if (input.heldBytes < bytes) return false;
      this.#batchBytes = bytes;
      this.#messageIndex++;
      this.#place = 'message size';
      if (this.allowance <= 0 && this.#messageIndex < this.#batchCount) return false;
    }
    const step = batch.onBatch(input.bytes, input.at, this.#batchBytes, this.#batchCount);
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

  /** How much of the chunk belongs to the held, incomplete piece: at least one byte. */
  #lackingBytes(chunk: Buffer, at: number): number {
    // While it waits, the chunk is not parsed, and all of it is held.
    return this.isWaiting ? chunk.length : this.#lackingAtPlace(chunk, at);
  }

  #lackingAtPlace(chunk: Buffer, at: number): number {
    const { heldBytes: held, bytes, at: from } = this.#input;
    switch (this.#place) {
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
        return this.#lackingBatchBytes(readInt32(bytes, from + this.#batchBytes));
    }
  }

  /**
   * The declared size, which avoids steps from message to message; if that is too small, the end of the next message.
   */
  #lackingBatchBytes(bodyBytes: number): number {
    const next = this.#batchBytes + SIZE_BYTES + bodyBytes;
    return Math.max(this.#batchBytesAnnounced, next) - this.#input.heldBytes;
  }

  /** The size of the incomplete piece, if known. */
  #pieceBytesMax(): number {
    if (this.isWaiting) return Number.POSITIVE_INFINITY;
    if (this.#place === 'body') return SIZE_BYTES + this.#bodySize;
    return this.#place.startsWith('message') ? this.#batchBytesAnnounced : Number.POSITIVE_INFINITY;
  }
}
