/**
 * The writing end of the command ring. It keeps the order of commands; consecutive FINs of one consumer share a
 * record. Nothing is visible to the pump before `publish`.
 *
 * Bound: the ring. A record without room waits in a list in front of it, and so do all later ones.
 * Connections ask `hasRoom` before each FIN, REQ, TOUCH and RDY, so the list holds none of those.
 *
 * Thread: main.
 */

import * as records from '../../shared/records.ts';
import { FULL, RingWriter } from '../../shared/ring/ring.ts';

/** Most consecutive FINs in one record. */
const FINISH_BATCH_COUNT = 1024;
const ID_BYTES = 8;
/** More than one command of a connection can add to the ring, including a batch of FINs before it. */
const ROOM_BYTES = 64 * 1024;

/** A record that waits for room. */
type WaitingCommand = { type: number; fields: number[]; bytes: Buffer | null };

export class CommandWriter {
  readonly #ring: RingWriter;
  /** Requests a `publish` at the end of this turn. */
  readonly #requestFlush: () => void;
  #waiting: WaitingCommand[] = [];

  /** The FINISH record that is being filled. */
  #finishConsumer = 0;
  #finishOffset = FULL;
  #finishCount = 0;

  constructor(memory: SharedArrayBuffer, requestFlush: () => void) {
    this.#ring = new RingWriter(memory);
    this.#requestFlush = requestFlush;
  }

  /** Whether commands wait for room. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether a command is certain to fit; if not, the pump rings main's bell when it releases room. */
  hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#ring.hasRoomFor(ROOM_BYTES);
  }

  finish(consumer: number, idHigh: number, idLow: number): void {
    const isOpen = consumer === this.#finishConsumer && this.#finishCount < FINISH_BATCH_COUNT;
    if (!isOpen && !this.#openFinish(consumer)) {
      this.write(records.FINISH, [consumer, idHigh, idLow], null);
      return;
    }
    const word = (this.#finishOffset >>> 2) + records.FINISH_IDS + 2 * this.#finishCount;
    this.#ring.words[word] = idHigh;
    this.#ring.words[word + 1] = idLow;
    this.#finishCount++;
  }

  /** Writes a separate record: `fields`, a word each, then `bytes`. */
  write(type: number, fields: number[], bytes: Buffer | null): void {
    this.#commitFinishes();
    const command = { type, fields, bytes };
    if (this.#waiting.length > 0 || !this.#tryWrite(command)) this.#waiting.push(command);
    this.#requestFlush();
  }

  /** Writes waiting commands while there is room. Returns whether any were written. */
  writeWaiting(): boolean {
    this.#commitFinishes();
    let written = 0;
    while (written < this.#waiting.length && this.#tryWrite(this.#waiting[written])) written++;
    if (written > 0) this.#waiting = this.#waiting.slice(written);
    return written > 0;
  }

  /**
   * Publishes all records except a FINISH record that is still being filled. Returns whether any are new to the pump.
   */
  publish(): boolean {
    return this.#ring.publish();
  }

  /** Begins a FINISH record. Returns false if there is no room or other commands wait for room. */
  #openFinish(consumer: number): boolean {
    this.#commitFinishes();
    if (this.#waiting.length > 0) return false;
    const bytes = records.fieldBytes(records.FINISH_IDS) + FINISH_BATCH_COUNT * ID_BYTES;
    const offset = this.#ring.claim(bytes);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + records.FINISH_CONSUMER] = consumer;
    this.#finishOffset = offset;
    this.#finishConsumer = consumer;
    this.#requestFlush();
    return true;
  }

  #commitFinishes(): void {
    if (this.#finishOffset === FULL) return;
    const bytes = records.fieldBytes(records.FINISH_IDS) + this.#finishCount * ID_BYTES;
    this.#ring.commit(records.FINISH, bytes);
    this.#finishOffset = FULL;
    this.#finishConsumer = 0;
    this.#finishCount = 0;
  }

  #tryWrite({ type, fields, bytes }: WaitingCommand): boolean {
    const ring = this.#ring;
    const length = fields.length * 4 + (bytes?.length ?? 0);
    const offset = ring.claim(length);
    if (offset === FULL) return false;
    for (let i = 0; i < fields.length; i++) ring.words[(offset >>> 2) + i] = fields[i];
    if (bytes !== null) ring.bytes.set(bytes, offset + fields.length * 4);
    ring.commit(type, length);
    return true;
  }
}
