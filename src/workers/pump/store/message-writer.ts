/**
 * Writes messages of a slab as frames for clients and as disk records.
 *
 * The id and the attempts of the last message are stored in fields, so that a message needs no object.
 *
 * Shape: a frame is size(4) type(4) and the message, a disk record is size(4) and the message; a message is
 * timestamp(8) attempts(2) id(16) body, all big-endian.
 * Thread: pump.
 */

import { writeUint16, writeUint32 } from '../../../shared/big-endian.ts';
import { FRAME_HEADER_BYTES, MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../../shared/limits.ts';
import { NOT_HEX, parseHexWord, writeHexWord } from '../../../shared/message-id.ts';
import { copyBytes } from './copy-bytes.ts';
import {
  BATCH_FIRST_SLOT,
  BATCH_ID,
  BATCH_TIMESTAMP,
  DISK_BATCH,
  MESSAGE_ATTEMPTS_OFFSET,
  SLOT_BITS,
  type Slab,
} from './slab.ts';

const ATTEMPTS_MASK = 0xffff;
const ID_OFFSET = 10;
const FRAME_TYPE_MESSAGE = 2;

/** Result of `writeFrame` if the frame does not fit. */
export const NO_ROOM = -1;

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
