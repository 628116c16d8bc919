/**
 * A piece of the message store: bodies from the front, one slot per message from the end.
 *
 * Shape, in one ArrayBuffer; `used` grows up, slots grow down:
 *
 *     | batch header | size body size body … | batch header | … →     ← | slot 1 | slot 0 |
 *
 *     batch header  first slot, id (high, low), timestamp (high, low): 5 words, aligned to 4; of disk records:
 *                   first slot, record number, due time (high, low), one word that is not used
 *     body          size(4, big-endian) bytes, as published; or a whole disk record
 *     slot          offset of the body, index of its batch header's first word, plus DISK_BATCH for disk records
 *
 * A message of a batch has the batch's timestamp, and the batch's id plus its distance from the first slot.
 * A disk record carries timestamp, attempts and id itself; its number is the batch's plus its distance. `live`
 * counts references, not messages: a message that waits in three channels has three. At zero the slab is free.
 *
 * Thread: pump.
 */

import { readUint16, readUint32 } from '../../../shared/big-endian.ts';
import { MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../../shared/limits.ts';

/** Words of a batch header, and their indexes. */
export const BATCH_WORDS = 5;
export const BATCH_FIRST_SLOT = 0;
export const BATCH_ID = 1;
export const BATCH_TIMESTAMP = 3;
export const BATCH_NUMBER = 1;
export const BATCH_DUE = 2;

const SLOT_WORDS = 2;
/** Bytes of a slot. */
export const SLOT_BYTES = SLOT_WORDS * 4;
/** Added to the index of a batch header: its messages are disk records. */
export const DISK_BATCH = 2 ** 31;
/** Bits of a position for its slot; the others are the slab's index. */
export const SLOT_BITS = 13;
export const SLOT_MASK = (1 << SLOT_BITS) - 1;
/** Bytes of a disk record before its body. */
export const DISK_RECORD_HEADER_BYTES = SIZE_BYTES + MESSAGE_HEADER_BYTES;
/** Offset of the attempts in a message. */
export const MESSAGE_ATTEMPTS_OFFSET = 8;
/** Result of `recordNumber` for a message that was not read from disk. */
export const NO_RECORD = -1;

export class Slab {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  /** The slab's place in the store. */
  readonly index: number;
  /** Whether it holds messages that wait long. */
  readonly isLasting: boolean;
  /** Bytes taken from the front. */
  used = 0;
  /** Slots taken from the end. */
  count = 0;
  /** References to its messages. */
  live = 0;

  constructor(index: number, memory: ArrayBuffer, isLasting: boolean) {
    this.index = index;
    this.isLasting = isLasting;
    this.bytes = Buffer.from(memory);
    this.words = new Uint32Array(memory);
  }

  /** Bytes between the bodies and the slots. */
  get room(): number {
    return this.bytes.length - this.used - this.count * SLOT_BYTES;
  }

  /** Index of a slot's first word. */
  slotWord(slot: number): number {
    return this.words.length - SLOT_WORDS * (slot + 1);
  }

  /** Writes the next slot. */
  addSlot(bodyOffset: number, batchWord: number): void {
    const word = this.words.length - SLOT_WORDS * (this.count + 1);
    this.words[word] = bodyOffset;
    this.words[word + 1] = batchWord;
    this.count++;
  }

  /** Bytes of a message's body. */
  bodyBytes(slot: number): number {
    const word = this.slotWord(slot);
    const body = this.words[word];
    if (this.words[word + 1] < DISK_BATCH) return readUint32(this.bytes, body - SIZE_BYTES);
    return readUint32(this.bytes, body - DISK_RECORD_HEADER_BYTES) - MESSAGE_HEADER_BYTES;
  }

  /** The offset after a message. */
  end(slot: number): number {
    return this.words[this.slotWord(slot)] + this.bodyBytes(slot);
  }

  /** A message's attempts when it was put: those of a disk record, otherwise 0. */
  attempts(slot: number): number {
    const word = this.slotWord(slot);
    if (this.words[word + 1] < DISK_BATCH) return 0;
    return readUint16(
      this.bytes,
      this.words[word] - MESSAGE_HEADER_BYTES + MESSAGE_ATTEMPTS_OFFSET,
    );
  }

  /** A message's time of publication. Units: seconds, without their last digits. */
  timestampSeconds(slot: number): number {
    const word = this.slotWord(slot);
    const batch = this.words[word + 1];
    if (batch < DISK_BATCH) {
      const at = batch + BATCH_TIMESTAMP;
      return (this.words[at] * 2 ** 32 + this.words[at + 1]) / 1e9;
    }
    const at = this.words[word] - MESSAGE_HEADER_BYTES;
    return (readUint32(this.bytes, at) * 2 ** 32 + readUint32(this.bytes, at + 4)) / 1e9;
  }

  /** Number of a disk record; NO_RECORD for other messages. */
  recordNumber(slot: number): number {
    const batch = this.words[this.slotWord(slot) + 1] - DISK_BATCH;
    if (batch < 0) return NO_RECORD;
    return (this.words[batch + BATCH_NUMBER] + slot - this.words[batch + BATCH_FIRST_SLOT]) >>> 0;
  }
}
