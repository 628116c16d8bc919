/**
 * Records that were handed out and have since been moved to the end of their queue, so that the segment they were in
 * could go: where they lie now. The reader comes by them a second time, and must not hand them out again.
 *
 * Bound: by the unfinished records, and by the moves between two syncs.
 * Units: positions and sizes in bytes, sizes with the size field.
 * Thread: disk.
 */

import { isBefore, type QueuePlace } from '../files/queue-place.ts';
import type { NoteList } from '../states/state-list.ts';

/** A record that was moved. */
export interface MovedRecord extends QueuePlace {
  /** The number that it was handed out with, never wrapped. */
  readonly number: number;
  readonly sizeBytes: number;
  readonly checksum: number;
  /** How many records the reader has passed before it; undefined until it has. */
  ordinal: number | undefined;
  isFinished: boolean;
  isNoted: boolean;
}

export class MovedRecords {
  /** In the order of their places, as each is moved to the end. */
  #records: MovedRecord[] = [];
  /** Those that are not finished. */
  readonly #unfinished = new Map<number, MovedRecord>();
  /** Index of the first that the reader has not passed. */
  #ahead = 0;
  #unfinishedBytes = 0;

  get unfinished(): number {
    return this.#unfinished.size;
  }

  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /** Whether nothing is left to be known of any. */
  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  /** The next one that the reader will come by. */
  get nextAhead(): MovedRecord | undefined {
    return this.#records[this.#ahead];
  }

  /** The oldest unfinished one that the reader has passed. */
  get oldest(): MovedRecord | undefined {
    for (let index = 0; index < this.#ahead; index++) {
      if (!this.#records[index].isFinished) return this.#records[index];
    }
    return undefined;
  }

  /** A record lies at the queue's end now. */
  add(number: number, place: QueuePlace, sizeBytes: number, checksum: number): void {
    const { segment, position } = place;
    const record = {
      ...{ number, segment, position, sizeBytes, checksum },
      ...{ ordinal: undefined, isFinished: false, isNoted: false },
    };
    this.#records.push(record);
    this.#unfinished.set(number, record);
    this.#unfinishedBytes += sizeBytes;
  }

  get(number: number): MovedRecord | undefined {
    return this.#unfinished.get(number);
  }

  /** The record is finished, here at least. */
  finish(record: MovedRecord): void {
    record.isFinished = true;
    this.#unfinished.delete(record.number);
    this.#unfinishedBytes -= record.sizeBytes;
  }

  /** The reader is behind all that lie before this place. */
  passUntil(place: QueuePlace, ordinal: number): number {
    const before = this.#ahead;
    for (; this.#ahead < this.#records.length; this.#ahead++) {
      const record = this.#records[this.#ahead];
      if (!isBefore(record, place)) break;
      record.ordinal = ordinal;
    }
    return this.#ahead - before;
  }

  /** Unfinished ones before a place, oldest first. */
  unfinishedBefore(place: QueuePlace): MovedRecord[] {
    return this.#records.filter((record) => !record.isFinished && isBefore(record, place));
  }

  /** Segments with finished ones, not before `oldest`, that no note tells. */
  unnotedSegments(oldest: QueuePlace): number[] {
    const segments = this.#unnoted(oldest).map((record) => record.segment);
    return [...new Set(segments)];
  }

  /** Lists the finished ones of a segment that no note tells. */
  listUnnoted(segment: number, oldest: QueuePlace, list: NoteList): void {
    for (const record of this.#unnoted(oldest)) {
      if (record.segment === segment) list.addFinished(record.position, record.checksum);
    }
  }

  /** Notes say by now what is finished. Forgets whatever the reader will not come by. */
  onNoted(): void {
    const kept = this.#records.filter((record, index) => {
      if (record.isFinished) record.isNoted = true;
      return !record.isFinished || index >= this.#ahead;
    });
    this.#ahead = kept.findIndex((record) => record.ordinal === undefined);
    if (this.#ahead < 0) this.#ahead = kept.length;
    this.#records = kept;
  }

  #unnoted(oldest: QueuePlace): MovedRecord[] {
    return this.#records.filter(
      (record) => record.isFinished && !record.isNoted && !isBefore(record, oldest),
    );
  }
}
