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

import { readUint16, readUint32, writeUint16, writeUint32 } from '../../../shared/big-endian.ts';
import { FRAME_HEADER_BYTES, MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../../shared/limits.ts';
import { NOT_HEX, parseHexWord, writeHexWord } from '../../../shared/message-id.ts';

/** Words of a batch header, and their indexes. */
export const BATCH_WORDS = 5;
export const BATCH_FIRST_SLOT = 0;
export const BATCH_ID = 1;
export const BATCH_TIMESTAMP = 3;
export const BATCH_NUMBER = 1;
export const BATCH_DUE = 2;

const SLOT_WORDS = 2;
/** Bytes of a slot. */
export const MESSAGE_SLOT_BYTES = SLOT_WORDS * 4;
/** Added to the index of a batch header: its messages are disk records. */
export const DISK_BATCH = 2 ** 31;
/** Bits of a position for its slot; the others are the slab's index. */
export const SLOT_BITS = 13;
export const SLOT_MASK = (1 << SLOT_BITS) - 1;
/** Bytes of a disk record before its body. */
export const DISK_RECORD_HEADER_BYTES = SIZE_BYTES + MESSAGE_HEADER_BYTES;
/** Offset of the attempts in a message. */
const MESSAGE_ATTEMPTS_OFFSET = 8;
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
    return this.bytes.length - this.used - this.count * MESSAGE_SLOT_BYTES;
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

/** Below about 64 bytes a loop is cheaper than a call that crosses into the engine. */
const LOOP_BYTES_MAX = 48;

/** Copies `bytes` bytes between different buffers or regions that do not overlap. */
export function copyBytes(
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
  // Buffer's `copy` accepts any Uint8Array as `this`.
  (source as Buffer).copy(target, to, from, from + bytes);
}

const ATTEMPTS_MASK = 0xffff;
const ID_OFFSET = 10;
const FRAME_TYPE_MESSAGE = 2;

/** Result of `writeFrame` if the frame does not fit. */
export const NO_ROOM = -1;

/**
 * Writes messages of a slab as frames for clients and as disk records.
 *
 * The id and the attempts of the last message are stored in fields, so that a message needs no object.
 *
 * Shape: a frame is size(4) type(4) and the message, a disk record is size(4) and the message; a message is
 * timestamp(8) attempts(2) id(16) body, all big-endian.
 */
export class MessageWriter {
  /** The id and the attempts of the message that was written last. */
  idHigh = 0;
  idLow = 0;
  attempts = 0;

  /** As `MessageStore.writeFrame`. */
  writeFrame(
    slab: Slab,
    slot: number,
    sentBefore: number,
    target: Buffer,
    at: number,
    end: number,
  ): number {
    const size = MESSAGE_HEADER_BYTES + slab.bodyBytes(slot);
    if (at + FRAME_HEADER_BYTES + size > end) return NO_ROOM;
    writeUint32(size + 4, target, at);
    writeUint32(FRAME_TYPE_MESSAGE, target, at + 4);
    const message = at + FRAME_HEADER_BYTES;
    const before = sentBefore > 0 ? sentBefore : slab.attempts(slot);
    this.#writeMessage(slab, slot, (before + 1) & ATTEMPTS_MASK, size, target, message);
    return message + size;
  }

  /** As `MessageStore.writeRecord`. */
  writeRecord(slab: Slab, slot: number, attempts: number, target: Buffer, at: number): number {
    const size = MESSAGE_HEADER_BYTES + slab.bodyBytes(slot);
    writeUint32(size, target, at);
    this.#writeMessage(slab, slot, attempts, size, target, at + SIZE_BYTES);
    return at + SIZE_BYTES + size;
  }

  /** Writes header and body, `size` bytes. */
  #writeMessage(
    slab: Slab,
    slot: number,
    attempts: number,
    size: number,
    target: Buffer,
    at: number,
  ): void {
    const { words, bytes } = slab;
    const word = slab.slotWord(slot);
    const body = words[word];
    const batch = words[word + 1];
    if (batch >= DISK_BATCH) {
      copyBytes(bytes, body - MESSAGE_HEADER_BYTES, target, at, size);
      this.#readRecordId(slab, slot, body);
    } else {
      this.idHigh = words[batch + BATCH_ID];
      this.idLow = words[batch + BATCH_ID + 1] + slot - words[batch + BATCH_FIRST_SLOT];
      writeUint32(words[batch + BATCH_TIMESTAMP], target, at);
      writeUint32(words[batch + BATCH_TIMESTAMP + 1], target, at + 4);
      const bodyAt = at + MESSAGE_HEADER_BYTES;
      copyBytes(bytes, body, target, bodyAt, size - MESSAGE_HEADER_BYTES);
    }
    if (batch < DISK_BATCH || this.idHigh === 0) {
      writeHexWord(this.idHigh, target, at + ID_OFFSET);
      writeHexWord(this.idLow, target, at + ID_OFFSET + 8);
    }
    writeUint16(attempts, target, at + MESSAGE_ATTEMPTS_OFFSET);
    this.attempts = attempts;
  }

  /** Reads a disk record's id. Clients could not answer an invalid id, so the position replaces it. */
  #readRecordId(slab: Slab, slot: number, body: number): void {
    const at = body - MESSAGE_HEADER_BYTES + ID_OFFSET;
    this.idHigh = parseHexWord(slab.bytes, at);
    this.idLow = parseHexWord(slab.bytes, at + 8);
    if (this.idHigh !== NOT_HEX && this.idLow !== NOT_HEX) return;
    this.idHigh = 0;
    this.idLow = ((slab.index << SLOT_BITS) | slot) >>> 0;
  }
}
