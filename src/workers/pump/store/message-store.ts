/**
 * The bytes of all messages that a pump thread holds, each message once, regardless of how many channels it waits in.
 *
 * A message is identified by a position: its slab's index and its slot. Each place that keeps a position holds a
 * reference; a slab is reused when the last reference into it is dropped. A batch of messages is copied as a whole,
 * and its positions are consecutive within a slab.
 *
 * A slab stays while one of its messages is held. So messages that wait long, the deferred ones, have slabs of their
 * own: otherwise one in a thousand would keep the memory of all.
 *
 * Bound: the queues that hold positions bound the store, each by its share of the memory.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { readUint32 } from '../../../shared/big-endian.ts';
import { FRAME_HEADER_BYTES, MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../../shared/limits.ts';
import { MemoryShares } from './memory-shares.ts';
import {
  BATCH_DUE,
  BATCH_FIRST_SLOT,
  BATCH_ID,
  BATCH_NUMBER,
  BATCH_TIMESTAMP,
  BATCH_WORDS,
  copyBytes,
  DISK_BATCH,
  DISK_RECORD_HEADER_BYTES,
  MESSAGE_SLOT_BYTES,
  MessageWriter,
  SLOT_BITS,
  SLOT_MASK,
  Slab,
} from './slab.ts';

const SLAB_BYTES = 256 * 1024;
const SLABS_MAX = 2 ** (32 - SLOT_BITS);
/** Free slabs that are kept for reuse: allocating one costs more than filling it. */
const FREE_SLABS_MAX = 64;
/** Room for a batch header, wherever it begins. */
const BATCH_BYTES_MAX = BATCH_WORDS * 4 + 3;

export class MessageStore {
  /** The run that was put last: its first position, its messages, and the bytes used of its source. */
  position = 0;
  count = 0;
  bytesTaken = 0;

  /** Divides the memory among the queues. */
  readonly shares: MemoryShares;

  readonly #writer = new MessageWriter();
  readonly #slabs: (Slab | null)[] = [];
  readonly #freeIndexes: number[] = [];
  readonly #freeMemory: ArrayBuffer[] = [];
  #open: Slab;
  /** The open slab for messages that wait long, if there was one. */
  #openLasting: Slab | null = null;
  #bytes = 0;

  /**
   * Units: the queues share `budgetBytes`, for slabs and for the memory of other tables for the same messages
   * (`otherBytes`).
   */
  constructor(budgetBytes = Number.POSITIVE_INFINITY, otherBytes = (): number => 0) {
    this.shares = new MemoryShares(budgetBytes, () => this.#bytes + otherBytes());
    this.#open = this.#openSlab(SLAB_BYTES, false);
  }

  /** The id of the message that was written last. */
  get idHigh(): number {
    return this.#writer.idHigh;
  }

  get idLow(): number {
    return this.#writer.idLow;
  }

  /** The attempts in the frame that was written last, including that sending. */
  get attemptsWritten(): number {
    return this.#writer.attempts;
  }

  /** Bytes of all slabs in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** References to all messages; for tests and the simulator. */
  get referenceCount(): number {
    return this.#slabs.reduce((sum, slab) => sum + (slab?.live ?? 0), 0);
  }

  /**
   * Puts the first of `count` bodies, as many as fit together: size(4) body(size), one after the other. The run is
   * returned in `position`, `count` and `bytesTaken`, with one reference for each message.
   */
  putBodies(
    source: Uint8Array,
    at: number,
    count: number,
    idHigh: number,
    idLow: number,
    timestampHigh: number,
    timestampLow: number,
    isLasting = false,
  ): void {
    const firstBytes = SIZE_BYTES + readUint32(source, at);
    const slab = this.#slabWithRoom(firstBytes + BATCH_BYTES_MAX, isLasting);
    const batch = (slab.used + 3) >>> 2;
    const words = slab.words;
    words[batch + BATCH_FIRST_SLOT] = slab.count;
    words[batch + BATCH_ID] = idHigh;
    words[batch + BATCH_ID + 1] = idLow;
    words[batch + BATCH_TIMESTAMP] = timestampHigh;
    words[batch + BATCH_TIMESTAMP + 1] = timestampLow;
    const start = (batch + BATCH_WORDS) * 4;
    this.#fill(slab, source, at, count, start, SIZE_BYTES, batch);
  }

  /**
   * Puts the first of `count` disk records, as many as fit together; `number` is the first one's. The run is
   * described as by `putBodies`.
   */
  putRecords(
    source: Uint8Array,
    at: number,
    count: number,
    number: number,
    dueMs = 0,
    isLasting = false,
  ): void {
    const firstBytes = SIZE_BYTES + readUint32(source, at);
    const slab = this.#slabWithRoom(firstBytes + BATCH_BYTES_MAX, isLasting);
    const batch = (slab.used + 3) >>> 2;
    slab.words[batch + BATCH_FIRST_SLOT] = slab.count;
    slab.words[batch + BATCH_NUMBER] = number;
    slab.words[batch + BATCH_DUE] = Math.floor(dueMs / 2 ** 32);
    slab.words[batch + BATCH_DUE + 1] = dueMs % 2 ** 32;
    const start = (batch + BATCH_WORDS) * 4;
    this.#fill(slab, source, at, count, start, DISK_RECORD_HEADER_BYTES, batch + DISK_BATCH);
  }

  /**
   * Copies a message into a slab of lasting messages, unless it is in one, and drops one reference to the original.
   * Returns its new position, with one reference.
   */
  moveToLasting(position: number): number {
    const slab = this.#slab(position);
    if (slab.isLasting) return position;
    const slot = position & SLOT_MASK;
    const word = slab.slotWord(slot);
    const { words, bytes } = slab;
    const body = words[word];
    const batch = words[word + 1];
    if (batch >= DISK_BATCH) {
      this.putRecords(
        bytes,
        body - DISK_RECORD_HEADER_BYTES,
        1,
        this.recordNumber(position),
        0,
        true,
      );
    } else {
      const idLow = words[batch + BATCH_ID + 1] + slot - words[batch + BATCH_FIRST_SLOT];
      this.putBodies(
        bytes,
        body - SIZE_BYTES,
        1,
        words[batch + BATCH_ID],
        idLow,
        words[batch + BATCH_TIMESTAMP],
        words[batch + BATCH_TIMESTAMP + 1],
        true,
      );
    }
    this.release(position, 1);
    return this.position;
  }

  /** Adds references to a run: `copies` more for each of its messages. */
  retain(position: number, count: number, copies: number): void {
    this.#slab(position).live += count * copies;
  }

  /** Drops one reference to each message of a run. */
  release(position: number, count: number): void {
    const slab = this.#slab(position);
    slab.live -= count;
    assert(slab.live >= 0, 'a message is released once for each reference');
    if (slab.live === 0) this.#recycle(slab);
  }

  /**
   * The number of a message's record in the disk queue that it was read from; NO_RECORD if it was not read from disk.
   */
  recordNumber(position: number): number {
    return this.#slab(position).recordNumber(position & SLOT_MASK);
  }

  /** When a message from disk was due when it was read. Units: Unix time in ms, 0 for at once. */
  recordDueMs(position: number): number {
    const slab = this.#slab(position);
    const batch = slab.words[slab.slotWord(position & SLOT_MASK) + 1] - DISK_BATCH;
    assert(batch >= 0, 'only messages from disk have a due time');
    return slab.words[batch + BATCH_DUE] * 2 ** 32 + slab.words[batch + BATCH_DUE + 1];
  }

  /** How often a message had been sent when it was put: 0 as published, more for some disk records. */
  attempts(position: number): number {
    return this.#slab(position).attempts(position & SLOT_MASK);
  }

  /** A message's time of publication in seconds, precise enough to compare heads of queues. */
  timestampSeconds(position: number): number {
    return this.#slab(position).timestampSeconds(position & SLOT_MASK);
  }

  /**
   * Writes a message's frame, unless it would end after `end`. `sentBefore` is the number of earlier attempts; 0
   * means as many as when it was put. Returns the offset after the frame, or NO_ROOM.
   */
  writeFrame(
    position: number,
    sentBefore: number,
    target: Buffer,
    at: number,
    end: number,
  ): number {
    const slab = this.#slab(position);
    return this.#writer.writeFrame(slab, position & SLOT_MASK, sentBefore, target, at, end);
  }

  /** Writes a message as a disk record. Returns the offset after it. */
  writeRecord(position: number, attempts: number, target: Buffer, at: number): number {
    const slab = this.#slab(position);
    return this.#writer.writeRecord(slab, position & SLOT_MASK, attempts, target, at);
  }

  /** Bytes of a message's frame: size, type, header and body. */
  frameBytes(position: number): number {
    const bodyBytes = this.#slab(position).bodyBytes(position & SLOT_MASK);
    return FRAME_HEADER_BYTES + MESSAGE_HEADER_BYTES + bodyBytes;
  }

  /** Bytes of a message as a disk record: size, header and body. */
  recordBytes(position: number): number {
    return DISK_RECORD_HEADER_BYTES + this.#slab(position).bodyBytes(position & SLOT_MASK);
  }

  /** Bytes of a run's messages as disk records. */
  runBytes(position: number, count: number): number {
    const slab = this.#slab(position);
    const first = position & SLOT_MASK;
    let bytes = count * DISK_RECORD_HEADER_BYTES;
    for (let slot = first; slot < first + count; slot++) bytes += slab.bodyBytes(slot);
    return bytes;
  }

  /**
   * Bytes that a run takes here, computed without visiting each message. The bytes of the parts of a run add up to
   * those of the run: bytes between two messages count towards the second.
   */
  heldBytes(position: number, count: number): number {
    const slab = this.#slab(position);
    const first = position & SLOT_MASK;
    const start = first === 0 ? 0 : slab.end(first - 1);
    return slab.end(first + count - 1) - start + count * MESSAGE_SLOT_BYTES;
  }

  /**
   * Copies as many messages as fit to `start`, and gives each a slot; bodies begin `bodyOffset` after a size field.
   */
  #fill(
    slab: Slab,
    source: Uint8Array,
    at: number,
    count: number,
    start: number,
    bodyOffset: number,
    batch: number,
  ): void {
    const slots = Math.min(count, SLOT_MASK + 1 - slab.count);
    let end = start;
    let taken = 0;
    this.position = ((slab.index << SLOT_BITS) | slab.count) >>> 0;
    while (taken < slots) {
      const bytes = SIZE_BYTES + readUint32(source, at + end - start);
      if (end + bytes + (slab.count + 1) * MESSAGE_SLOT_BYTES > slab.bytes.length) break;
      slab.addSlot(end + bodyOffset, batch);
      end += bytes;
      taken++;
    }
    assert(taken > 0, 'a slab with room takes a message');
    copyBytes(source, at, slab.bytes, start, end - start);
    slab.used = end;
    slab.live += taken;
    this.count = taken;
    this.bytesTaken = end - start;
  }

  #slab(position: number): Slab {
    const slab = this.#slabs[position >>> SLOT_BITS];
    assert(slab !== null && slab !== undefined, 'a position is in a slab that is in use');
    return slab;
  }

  /** The open slab if a message of this size fits, otherwise a new one. */
  #slabWithRoom(bytes: number, isLasting: boolean): Slab {
    const open = isLasting ? this.#openLasting : this.#open;
    if (open !== null && open.room >= bytes + MESSAGE_SLOT_BYTES && open.count <= SLOT_MASK)
      return open;
    const wanted = Math.max(SLAB_BYTES, (bytes + MESSAGE_SLOT_BYTES + 3) & ~3);
    const slab = this.#openSlab(wanted, isLasting);
    if (isLasting) this.#openLasting = slab;
    else this.#open = slab;
    if (open?.live === 0) this.#free(open);
    return slab;
  }

  #openSlab(bytes: number, isLasting: boolean): Slab {
    const index = this.#freeIndexes.pop() ?? this.#slabs.length;
    assert(index < SLABS_MAX, 'the message store has a slab left');
    const reused = bytes === SLAB_BYTES ? this.#freeMemory.pop() : undefined;
    const slab = new Slab(index, reused ?? new ArrayBuffer(bytes), isLasting);
    this.#slabs[index] = slab;
    this.#bytes += bytes;
    return slab;
  }

  #recycle(slab: Slab): void {
    if (slab !== this.#open && slab !== this.#openLasting) {
      this.#free(slab);
      return;
    }
    // Reuses the same memory, which is in the processor's cache.
    slab.used = 0;
    slab.count = 0;
  }

  #free(slab: Slab): void {
    // Slabs use plain ArrayBuffers; Buffer's type also allows shared ones.
    const memory = slab.bytes.buffer as ArrayBuffer;
    this.#slabs[slab.index] = null;
    this.#freeIndexes.push(slab.index);
    this.#bytes -= memory.byteLength;
    if (memory.byteLength === SLAB_BYTES && this.#freeMemory.length < FREE_SLABS_MAX) {
      this.#freeMemory.push(memory);
    } else {
      // Freed at once: the garbage collector lets hundreds of MiB pile up before it looks.
      memory.transfer(0);
    }
  }
}

/** Whether a position is the first of its slab, so that the previous position is in another slab. */
export function isSlabStart(position: number): boolean {
  return (position & SLOT_MASK) === 0;
}
