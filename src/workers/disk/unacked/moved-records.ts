/**
 * The unacked records that were moved to the end of their queue so that their old segments could be removed. The
 * reader reaches them a second time and must not hand them out again.
 *
 * Bound: by the unacked records, and by the moves between two syncs.
 * Units: positions and sizes in bytes, sizes with the size field.
 * Thread: disk.
 */

import { isBefore, type QueuePlace } from '../files/queue-place.ts';
import type { StateList } from '../states/state-list.ts';

/** A record that was moved. */
export interface MovedRecord extends QueuePlace {
  /** The number with which it was handed out, never wrapped. */
  readonly number: number;
  readonly sizeBytes: number;
  readonly checksum: number;
  /** How many records the reader passed before it; undefined until the reader has passed it. */
  ordinal: number | undefined;
  isFinished: boolean;
  isWritten: boolean;
}

export class MovedRecords {
  /** In the order of their places, since each is moved to the end. */
  #records: MovedRecord[] = [];
  /** The unacked ones. */
  readonly #unacked = new Map<number, MovedRecord>();
  /** Index of the first one that the reader has not passed. */
  #cursor = 0;
  #unackedBytes = 0;

  get unacked(): number {
    return this.#unacked.size;
  }

  get unackedBytes(): number {
    return this.#unackedBytes;
  }

  /** Whether there is nothing left to keep. */
  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  /** The next one that the reader will reach. */
  get nextAhead(): MovedRecord | undefined {
    return this.#records[this.#cursor];
  }

  /** The ones that the reader has not reached. */
  get ahead(): readonly MovedRecord[] {
    return this.#records.slice(this.#cursor);
  }

  /** The oldest unacked one that the reader has passed. */
  get oldest(): MovedRecord | undefined {
    for (let index = 0; index < this.#cursor; index++) {
      if (!this.#records[index].isFinished) return this.#records[index];
    }
    return undefined;
  }

  /** A record lies at the queue's end now. */
  add(number: number, place: QueuePlace, sizeBytes: number, checksum: number): void {
    const { segment, position } = place;
    const record = {
      ...{ number, segment, position, sizeBytes, checksum },
      ...{ ordinal: undefined, isFinished: false, isWritten: false },
    };
    this.#records.push(record);
    this.#unacked.set(number, record);
    this.#unackedBytes += sizeBytes;
  }

  get(number: number): MovedRecord | undefined {
    return this.#unacked.get(number);
  }

  /** This copy of the record is finished. */
  finish(record: MovedRecord): void {
    record.isFinished = true;
    this.#unacked.delete(record.number);
    this.#unackedBytes -= record.sizeBytes;
  }

  /** The reader has passed all that lie before this place. Returns how many it has newly passed. */
  passUntil(place: QueuePlace, ordinal: number): number {
    const before = this.#cursor;
    for (; this.#cursor < this.#records.length; this.#cursor++) {
      const record = this.#records[this.#cursor];
      if (!isBefore(record, place)) break;
      record.ordinal = ordinal;
    }
    return this.#cursor - before;
  }

  /** Unacked ones before a place, oldest first. */
  unackedBefore(place: QueuePlace): MovedRecord[] {
    return this.#records.filter((record) => !record.isFinished && isBefore(record, place));
  }

  /** Segments with finished ones, not before `oldest`, that have no written state. */
  unwrittenSegments(oldest: QueuePlace): number[] {
    const segments = this.#unwritten(oldest).map((record) => record.segment);
    return [...new Set(segments)];
  }

  /** Lists the finished ones of a segment that have no written state. */
  listUnwritten(segment: number, oldest: QueuePlace, list: StateList): void {
    for (const record of this.#unwritten(oldest)) {
      if (record.segment === segment) list.addFinished(record.position, record.checksum);
    }
  }

  /** The states of finished records are written: drops those that the reader has passed. */
  onStatesWritten(): void {
    const kept = this.#records.filter((record, index) => {
      if (record.isFinished) record.isWritten = true;
      return !record.isFinished || index >= this.#cursor;
    });
    this.#cursor = kept.findIndex((record) => record.ordinal === undefined);
    if (this.#cursor < 0) this.#cursor = kept.length;
    this.#records = kept;
  }

  #unwritten(oldest: QueuePlace): MovedRecord[] {
    return this.#records.filter(
      (record) => record.isFinished && !record.isWritten && !isBefore(record, oldest),
    );
  }
}
