/**
 * A piece of the message store: bodies from the front, one slot per message from the end.
 *
 * Shape, in one ArrayBuffer; `used` grows up, slots grow down:
 *
 *     | batch header | size body size body … | batch header | … →     ← | slot 1 | slot 0 |
 *
 *     batch header  first slot, id (high, low), timestamp (high, low): 5 words, aligned to 4
 *     body          size(4, big-endian) bytes, as published; or a whole disk record
 *     slot          offset of the body, index of its batch header's first word, or NO_BATCH for a disk record
 *
 * A message of a batch has the batch's timestamp, and the batch's id plus its distance from the first slot.
 * A disk record carries timestamp, attempts and id itself. `live` counts references, not messages: a message
 * that waits in three channels has three. At zero the segment is free.
 *
 * Thread: pump.
 */

/** Words of a batch header, and which is which. */
export const BATCH_WORDS = 5;
export const BATCH_FIRST_SLOT = 0;
export const BATCH_ID = 1;
export const BATCH_TIMESTAMP = 3;

const SLOT_WORDS = 2;
/** Bytes of a slot. */
export const SLOT_BYTES = SLOT_WORDS * 4;
/** In place of a batch: the message is a disk record. */
export const NO_BATCH = 0xffffffff;

export class Segment {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  /** The segment's place in the store. */
  readonly index: number;
  /** Bytes taken from the front. */
  used = 0;
  /** Slots taken from the end. */
  count = 0;
  /** References to its messages. */
  live = 0;

  constructor(index: number, memory: ArrayBuffer) {
    this.index = index;
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
}
