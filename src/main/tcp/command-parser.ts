/**
 * Splits what a connection sends into commands: the magic, lines, and the bodies that follow some of them.
 *
 * A command that is whole within a chunk is handed on as a view of the chunk; only an unfinished rest is
 * gathered in a buffer of the connection's own, together with what it lacks from the next ones. The handler decides
 * what a command means, which body follows it and whether a size is allowed, at the earliest byte that tells.
 *
 * Shape of a command: `NAME[ SP param]* [CR] LF`, then for some
 *     size(4) body(size)                    PUB DPUB IDENTIFY AUTH
 *     size(4) count(4) { size(4) body }*    MPUB; what counts is `count`, not the first size
 *
 * Bound: it holds one unfinished command, at most a line or a body of the largest size allowed, and while commands
 * wait, the chunk that they came in.
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
  type BatchBody,
  CLOSED,
  type CommandHandler,
  type Place,
  type SizedBody,
  type Step,
  WAIT,
} from './command-handler.ts';
import { InputBuffer } from './input-buffer.ts';

/** Longest line, its newline included. */
const LINE_BYTES_MAX = 16384;
const MAGIC_BYTES = 4;
/** `FIN `, an id, newline: by far the most frequent command, recognised without looking for the newline. */
const FIN_LINE_BYTES = 4 + MESSAGE_ID_BYTES + 1;
const LF = 0x0a;
const CR = 0x0d;
const FIN_WORD = 0x46494e20;
const NOTHING = Buffer.alloc(0);

export class CommandParser {
  /** Commands that have been taken whole. */
  commandCount = 0;
  /** What it may still spend before it waits by itself, see `TurnBudget`. Each command deducts; may be below zero. */
  allowance = Number.POSITIVE_INFINITY;

  readonly #handler: CommandHandler;
  /** Where it stands; tells what is missing when the input ends. */
  #place: Place = 'magic';
  readonly #input = new InputBuffer();
  #isWaiting = false;
  #isClosed = false;
  /** Bytes after `#at` that are known to hold no newline. */
  #scanned = 0;
  /** What takes the body that is expected: one of the two, or neither before the first. */
  #sized: SizedBody | null = null;
  #batch: BatchBody | null = null;
  /** Of that body: its size, or how many messages an MPUB has, which of them is next, and the bytes before that. */
  #bodySize = 0;
  #batchCount = 0;
  #messageIndex = 0;
  #batchBytes = 0;
  /** The announced size of an MPUB's messages, which only the gathering uses. */
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
    return this.#input.heldBytes;
  }

  /** What these take when the body among them is whole; the same where no body is expected. */
  get wantedBytes(): number {
    const { heldBytes } = this.#input;
    const isInBody = this.#place.endsWith('body') || this.#place === 'message size';
    if (!isInBody || this.#isWaiting || this.#isClosed) return heldBytes;
    // A body that only waits for an allowance may be whole; one in part wants the rest all the same.
    const lackingMin = this.allowance > 0 ? 1 : 0;
    return heldBytes + Math.max(lackingMin, this.#lackingAtPlace(NOTHING, 0));
  }

  /** Takes the next bytes of the connection. They may be reused when this returns. */
  feed(chunk: Buffer): void {
    this.#takeChunk(chunk);
    // After the commands, so that even a large read brings some.
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
    if (this.#input.heldBytes === 0) this.#input.letGo();
  }

  /** Leaves the bytes as they are that a handler answers WAIT for; false: they are reused, and it has to copy them. */
  lend(): boolean {
    return this.#input.lend();
  }

  /** Gives back what it holds and has not taken; it holds nothing then. */
  takeHeld(): Buffer {
    this.#scanned = 0;
    return this.#input.takeAll();
  }

  /** What to answer when the input ends here; undefined where nothing is lost. */
  cutOff(): ClientError | undefined {
    if (this.#place === 'magic' || this.#place === 'line') return undefined;
    return (this.#batch ?? this.#sized)?.cutOff(this.#place, this.#messageIndex);
  }

  /** Takes nothing more. */
  close(): void {
    this.#isClosed = true;
    // Not given back: who closes may be a handler that has not done with what it was handed.
    this.#input.leave();
  }

  /** Closes, and gives back what it holds: not from within a handler. */
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

  /** Takes the next piece. Returns false when it is not there yet. */
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

  /** A handler answered for a piece of this many bytes. */
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
  #expect(body: SizedBody | BatchBody, bytes: number): true {
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
    // The size field stays in front of the body: together they are what the publish ring takes.
    this.#bodySize = size;
    this.#place = 'body';
    return true;
  }

  #takeBody(): boolean {
    const length = SIZE_BYTES + this.#bodySize;
    const input = this.#input;
    if (input.heldBytes < length) return false;
    const body = this.#sized;
    assert(body !== null, 'somebody takes the body that is expected');
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

  /** Walks over the messages of an MPUB as far as they have come, and as its allowance goes. */
  #takeBatch(): boolean {
    const input = this.#input;
    const batch = this.#batch;
    assert(batch !== null, 'somebody takes the messages that are expected');
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

  /** How much of the chunk belongs to the piece of a command that is held and unfinished: at least one byte. */
  #lackingBytes(chunk: Buffer, at: number): number {
    // Commands that wait cannot be told apart, and are held together with what follows them.
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

  /** As much as is announced, which saves going from message to message; if that is less, up to the next one's end. */
  #lackingBatchBytes(bodyBytes: number): number {
    const next = this.#batchBytes + SIZE_BYTES + bodyBytes;
    return Math.max(this.#batchBytesAnnounced, next) - this.#input.heldBytes;
  }

  /** Bytes of the piece that is held in part, as far as they are known. */
  #pieceBytesMax(): number {
    if (this.isWaiting) return Number.POSITIVE_INFINITY;
    if (this.#place === 'body') return SIZE_BYTES + this.#bodySize;
    return this.#place.startsWith('message') ? this.#batchBytesAnnounced : Number.POSITIVE_INFINITY;
  }
}
