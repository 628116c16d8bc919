/**
 * The bytes of all messages that a pump thread holds, each once, however many channels it waits in.
 *
 * A message is a position: its segment's index and its slot. Whoever puts a position somewhere holds a
 * reference; a segment is reused when the last reference into it is gone. Messages arrive in batches that are
 * copied whole, and the positions of a batch follow each other within a segment.
 *
 * Bound: the queues that hold the positions bound the store. A segment stays while one message in it is held.
 *
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../../shared/big-endian.ts';
import { FRAME_HEADER_BYTES, MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../shared/limits.ts';
import { NOT_HEX, parseHexWord, writeHexWord } from '../../shared/message-id.ts';
import {
  BATCH_FIRST_SLOT,
  BATCH_ID,
  BATCH_TIMESTAMP,
  BATCH_WORDS,
  NO_BATCH,
  Segment,
  SLOT_BYTES,
} from './segment.ts';

const SEGMENT_BYTES = 256 * 1024;
const SLOT_BITS = 13;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const SEGMENTS_MAX = 2 ** (32 - SLOT_BITS);
/** Free segments that are kept for reuse: allocating one costs more than filling it. */
const FREE_SEGMENTS_MAX = 64;

const ATTEMPTS_OFFSET = 8;
const ID_OFFSET = 10;
const FRAME_TYPE_MESSAGE = 2;
/** Bytes of a disk record before its body. */
const RECORD_HEADER_BYTES = SIZE_BYTES + MESSAGE_HEADER_BYTES;

export class MessageStore {
  /** The run that was put last: its first position, its messages, and the bytes of the source it came from. */
  position = 0;
  count = 0;
  bytesTaken = 0;
  /** The id that was read last. */
  idHigh = 0;
  idLow = 0;

  readonly #segments: (Segment | null)[] = [];
  readonly #freeIndexes: number[] = [];
  readonly #freeMemory: ArrayBuffer[] = [];
  #open: Segment;
  #bytes = 0;

  constructor() {
    this.#open = this.#openSegment(SEGMENT_BYTES);
  }

  /** Bytes of all segments in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** References to all messages; for tests and the simulator. */
  get referenceCount(): number {
    return this.#segments.reduce((sum, segment) => sum + (segment?.live ?? 0), 0);
  }

  /**
   * Puts the first of `count` bodies, as many as fit together: size(4) body(size), one after the other. The
   * run is in `position`, `count` and `bytesTaken`, with one reference for each message.
   */
  putBodies(
    source: Uint8Array,
    at: number,
    count: number,
    idHigh: number,
    idLow: number,
    timestampHigh: number,
    timestampLow: number,
  ): void {
    const firstBytes = SIZE_BYTES + readUint32(source, at);
    const segment = this.#segmentWithRoom(firstBytes + BATCH_WORDS * 4 + 4);
    const batch = (segment.used + 3) >>> 2;
    const words = segment.words;
    words[batch + BATCH_FIRST_SLOT] = segment.count;
    words[batch + BATCH_ID] = idHigh;
    words[batch + BATCH_ID + 1] = idLow;
    words[batch + BATCH_TIMESTAMP] = timestampHigh;
    words[batch + BATCH_TIMESTAMP + 1] = timestampLow;
    const start = (batch + BATCH_WORDS) * 4;
    this.#fill(segment, source, at, count, start, SIZE_BYTES, batch);
  }

  /** Puts the first of `count` disk records, as many as fit together. The run is left as by `putBodies`. */
  putRecords(source: Uint8Array, at: number, count: number): void {
    const firstBytes = SIZE_BYTES + readUint32(source, at);
    const segment = this.#segmentWithRoom(firstBytes);
    this.#fill(segment, source, at, count, segment.used, RECORD_HEADER_BYTES, NO_BATCH);
  }

  /** Adds references to a run: `copies` more for each of its messages. */
  retain(position: number, count: number, copies: number): void {
    this.#segment(position).live += count * copies;
  }

  /** Drops one reference to each message of a run. */
  release(position: number, count: number): void {
    const segment = this.#segment(position);
    segment.live -= count;
    assert(segment.live >= 0, 'a message is released once for each reference');
    if (segment.live === 0) this.#recycle(segment);
  }

  /** Bytes of a message's body. */
  bodyBytes(position: number): number {
    const segment = this.#segment(position);
    const word = segment.slotWord(position & SLOT_MASK);
    return bodyBytes(segment, segment.words[word], segment.words[word + 1]);
  }

  /** How often a message had been sent when it was put: 0 as published, more for some disk records. */
  attempts(position: number): number {
    const segment = this.#segment(position);
    const word = segment.slotWord(position & SLOT_MASK);
    if (segment.words[word + 1] !== NO_BATCH) return 0;
    return readUint16(segment.bytes, segment.words[word] - MESSAGE_HEADER_BYTES + ATTEMPTS_OFFSET);
  }

  /** A message's time of publication in seconds, precise enough to compare heads of queues. */
  timestampSeconds(position: number): number {
    const segment = this.#segment(position);
    const word = segment.slotWord(position & SLOT_MASK);
    const batch = segment.words[word + 1];
    if (batch !== NO_BATCH) {
      const at = batch + BATCH_TIMESTAMP;
      return (segment.words[at] * 2 ** 32 + segment.words[at + 1]) / 1e9;
    }
    const at = segment.words[word] - MESSAGE_HEADER_BYTES;
    return (readUint32(segment.bytes, at) * 2 ** 32 + readUint32(segment.bytes, at + 4)) / 1e9;
  }

  /** Reads a message's id into `idHigh` and `idLow`. */
  readId(position: number): void {
    const segment = this.#segment(position);
    const slot = position & SLOT_MASK;
    const word = segment.slotWord(slot);
    const batch = segment.words[word + 1];
    if (batch !== NO_BATCH) {
      this.idHigh = segment.words[batch + BATCH_ID];
      this.idLow =
        segment.words[batch + BATCH_ID + 1] + slot - segment.words[batch + BATCH_FIRST_SLOT];
      return;
    }
    const at = segment.words[word] - MESSAGE_HEADER_BYTES + ID_OFFSET;
    this.idHigh = parseHexWord(segment.bytes, at);
    this.idLow = parseHexWord(segment.bytes, at + 8);
    if (this.idHigh !== NOT_HEX && this.idLow !== NOT_HEX) return;
    // No nsqd writes such an id, and no client could answer it: the position serves instead.
    this.idHigh = 0;
    this.idLow = position;
  }

  /** Bytes of a message's frame: size, type, header and body. */
  frameBytes(position: number): number {
    return FRAME_HEADER_BYTES + MESSAGE_HEADER_BYTES + this.bodyBytes(position);
  }

  /**
   * Writes a message's frame as it goes to a client, and its id into `idHigh` and `idLow`. Returns the offset
   * behind it. Shape: size(4) type(4) timestamp(8) attempts(2) id(16) body.
   */
  writeFrame(position: number, attempts: number, target: Buffer, at: number): number {
    const size = this.bodyBytes(position) + MESSAGE_HEADER_BYTES;
    writeUint32(size + 4, target, at);
    writeUint32(FRAME_TYPE_MESSAGE, target, at + 4);
    return this.#writeMessage(position, attempts, size, target, at + FRAME_HEADER_BYTES);
  }

  /** Bytes of a message as a disk record: size, header and body. */
  recordBytes(position: number): number {
    return RECORD_HEADER_BYTES + this.bodyBytes(position);
  }

  /** Writes a message as a disk record. Returns the offset behind it. */
  writeRecord(position: number, attempts: number, target: Buffer, at: number): number {
    const size = this.bodyBytes(position) + MESSAGE_HEADER_BYTES;
    writeUint32(size, target, at);
    return this.#writeMessage(position, attempts, size, target, at + SIZE_BYTES);
  }

  /** Copies what fits to `start`, and gives each message a slot; bodies begin `bodyOffset` behind a size field. */
  #fill(
    segment: Segment,
    source: Uint8Array,
    at: number,
    count: number,
    start: number,
    bodyOffset: number,
    batch: number,
  ): void {
    const slots = Math.min(count, SLOT_MASK + 1 - segment.count);
    let end = start;
    let taken = 0;
    this.position = ((segment.index << SLOT_BITS) | segment.count) >>> 0;
    while (taken < slots) {
      const bytes = SIZE_BYTES + readUint32(source, at + end - start);
      if (end + bytes + (segment.count + 1) * SLOT_BYTES > segment.bytes.length) break;
      segment.addSlot(end + bodyOffset, batch);
      end += bytes;
      taken++;
    }
    assert(taken > 0, 'a segment with room takes a message');
    copyBytes(source, at, segment.bytes, start, end - start);
    segment.used = end;
    segment.live += taken;
    this.count = taken;
    this.bytesTaken = end - start;
  }

  #writeMessage(
    position: number,
    attempts: number,
    size: number,
    target: Buffer,
    at: number,
  ): number {
    const segment = this.#segment(position);
    const slot = position & SLOT_MASK;
    const word = segment.slotWord(slot);
    const words = segment.words;
    const body = words[word];
    const batch = words[word + 1];
    if (batch === NO_BATCH) {
      copyBytes(segment.bytes, body - MESSAGE_HEADER_BYTES, target, at, size);
      this.readId(position);
      if (this.idHigh === 0) {
        writeHexWord(this.idHigh, target, at + ID_OFFSET);
        writeHexWord(this.idLow, target, at + ID_OFFSET + 8);
      }
    } else {
      this.idHigh = words[batch + BATCH_ID];
      this.idLow = words[batch + BATCH_ID + 1] + slot - words[batch + BATCH_FIRST_SLOT];
      writeUint32(words[batch + BATCH_TIMESTAMP], target, at);
      writeUint32(words[batch + BATCH_TIMESTAMP + 1], target, at + 4);
      writeHexWord(this.idHigh, target, at + ID_OFFSET);
      writeHexWord(this.idLow, target, at + ID_OFFSET + 8);
      copyBytes(
        segment.bytes,
        body,
        target,
        at + MESSAGE_HEADER_BYTES,
        size - MESSAGE_HEADER_BYTES,
      );
    }
    writeUint16(attempts, target, at + ATTEMPTS_OFFSET);
    return at + size;
  }

  #segment(position: number): Segment {
    const segment = this.#segments[position >>> SLOT_BITS];
    assert(segment !== null && segment !== undefined, 'a position is in a segment that is in use');
    return segment;
  }

  /** The open segment if a message of so many bytes fits, else a new one. */
  #segmentWithRoom(bytes: number): Segment {
    const open = this.#open;
    if (open.room >= bytes + SLOT_BYTES && open.count <= SLOT_MASK) return open;
    this.#open = this.#openSegment(Math.max(SEGMENT_BYTES, (bytes + SLOT_BYTES + 3) & ~3));
    if (open.live === 0) this.#free(open);
    return this.#open;
  }

  #openSegment(bytes: number): Segment {
    const index = this.#freeIndexes.pop() ?? this.#segments.length;
    assert(index < SEGMENTS_MAX, 'the message store has a segment left');
    const reused = bytes === SEGMENT_BYTES ? this.#freeMemory.pop() : undefined;
    const segment = new Segment(index, reused ?? new ArrayBuffer(bytes));
    this.#segments[index] = segment;
    this.#bytes += bytes;
    return segment;
  }

  #recycle(segment: Segment): void {
    if (segment !== this.#open) {
      this.#free(segment);
      return;
    }
    // Starts over in the same memory, which is in the cache.
    segment.used = 0;
    segment.count = 0;
  }

  #free(segment: Segment): void {
    const memory = segment.bytes.buffer;
    this.#segments[segment.index] = null;
    this.#freeIndexes.push(segment.index);
    this.#bytes -= memory.byteLength;
    if (memory.byteLength === SEGMENT_BYTES && this.#freeMemory.length < FREE_SEGMENTS_MAX) {
      // Segments are made over plain ArrayBuffers; Buffer's type also allows shared ones.
      this.#freeMemory.push(memory as ArrayBuffer);
    }
  }
}

function bodyBytes(segment: Segment, body: number, batch: number): number {
  if (batch !== NO_BATCH) return readUint32(segment.bytes, body - SIZE_BYTES);
  return readUint32(segment.bytes, body - RECORD_HEADER_BYTES) - MESSAGE_HEADER_BYTES;
}

/** Below about 64 bytes a loop is cheaper than a call that crosses into the engine. */
const LOOP_BYTES_MAX = 48;

function copyBytes(
  source: Uint8Array,
  from: number,
  target: Buffer,
  to: number,
  bytes: number,
): void {
  if (bytes <= LOOP_BYTES_MAX) {
    for (let i = 0; i < bytes; i++) target[to + i] = source[from + i];
    return;
  }
  // Buffer's copy takes any Uint8Array as source through the prototype; rings and chunks are Buffers.
  (source as Buffer).copy(target, to, from, from + bytes);
}

/** Whether a position is the first of its segment, so that the one before it in number belongs elsewhere. */
export function isSegmentStart(position: number): boolean {
  return (position & SLOT_MASK) === 0;
}
