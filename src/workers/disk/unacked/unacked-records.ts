/**
 * The unacked records of one disk queue: records that were handed out and are not finished. It keeps their places, so
 * that the read position can stay at the oldest. They are finished in any order; a finished one is kept until its
 * state is written or no older one is left. Nothing is allocated while there are none.
 *
 * Units: positions and sizes in bytes, sizes with the size field. Numbers are the pump's: 32 bits that wrap; inside
 * this file they do not wrap.
 * Thread: disk.
 */

import { assert } from '../../../shared/assert.ts';
import { isBefore, type QueuePlace } from '../files/queue-place.ts';
import type { StateList } from '../states/state-list.ts';
import { type MovedRecord, MovedRecords } from './moved-records.ts';
import { UnackedChunk } from './unacked-chunk.ts';

/** An unacked record. */
export interface UnackedRecord extends QueuePlace {
  readonly number: number;
  readonly sizeBytes: number;
  readonly checksum: number;
}

const NUMBERS = 2 ** 32;

export class UnackedRecords {
  /** In the order of numbers and of places. */
  #chunks: UnackedChunk[] = [];
  #moved: MovedRecords | undefined;
  /** Number of the next record, never wrapped. */
  #next = 0;
  /** Records before this number were dropped, finished or not. */
  #dropped = 0;
  #unacked = 0;
  #unackedBytes = 0;
  /** Index of the chunk that was found last. */
  #last = 0;
  /** The last place of a finished record; segment -1 if there is none. */
  #finishedSegment = -1;
  #finishedPosition = 0;

  /** How many records are unacked, and their bytes. */
  get count(): number {
    return this.#unacked + (this.#moved?.unacked ?? 0);
  }

  get bytes(): number {
    return this.#unackedBytes + (this.#moved?.unackedBytes ?? 0);
  }

  /** The number of the next record. */
  get next(): number {
    return this.#next % NUMBERS;
  }

  /** The last place of a finished record, if there is one. */
  get lastFinished(): QueuePlace | undefined {
    if (this.#finishedSegment < 0) return undefined;
    return { segment: this.#finishedSegment, position: this.#finishedPosition };
  }

  /** The next moved record that the reader will reach. */
  get movedAhead(): MovedRecord | undefined {
    return this.#moved?.nextAhead;
  }

  /** The places of moved records that the reader will reach. Shape: `segment:position`. */
  get movedPlaces(): ReadonlySet<string> {
    return new Set(this.#moved?.ahead.map(({ segment, position }) => `${segment}:${position}`));
  }

  /** Adds a record that is handed out, after `ordinal` other records of the queue. */
  add(
    segment: number,
    position: number,
    sizeBytes: number,
    checksum: number,
    ordinal: number,
  ): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || !chunk.fits(segment, position, ordinal)) {
      chunk = new UnackedChunk(this.#next, segment, position, ordinal);
      this.#chunks.push(chunk);
    }
    chunk.add(position, sizeBytes, checksum, ordinal);
    this.#next++;
    this.#unacked++;
    this.#unackedBytes += sizeBytes;
  }

  /** Finishes records. Those that were dropped are ignored. */
  finish(first: number, count: number): void {
    let number = this.#unwrap(first);
    const end = number + count;
    assert(end <= this.#next, 'only what was handed out is finished');
    for (number = Math.max(number, this.#dropped); number < end; number++) this.#finish(number);
    this.#dropFinished();
  }

  /** The place of an unacked record; undefined if it is finished or dropped. */
  get(number: number): UnackedRecord | undefined {
    const complete = this.#unwrap(number);
    const chunk = this.#find(complete);
    const index = complete - (chunk?.first ?? 0);
    return chunk?.isUnacked(index) ? recordOf(chunk, index) : this.#moved?.get(complete);
  }

  /** The oldest unacked record that the reader has passed, and how many records it passed before. */
  get oldest(): (QueuePlace & { readonly ordinal: number }) | undefined {
    const chunk = this.#unacked > 0 ? this.#chunks.find((one) => one.unacked > 0) : undefined;
    const moved = this.#moved?.oldest;
    if (chunk === undefined) return withOrdinal(moved);
    const index = chunk.oldest();
    const place = { segment: chunk.segment, position: chunk.position(index) };
    if (moved !== undefined && isBefore(moved, place)) return withOrdinal(moved);
    return { ...place, ordinal: chunk.ordinal(index) };
  }

  /** The reader has met a finished record. */
  onFinishedAt(segment: number, position: number): void {
    if (segment < this.#finishedSegment) return;
    if (segment === this.#finishedSegment && position < this.#finishedPosition) return;
    this.#finishedSegment = segment;
    this.#finishedPosition = position;
  }

  /** Bytes of the unacked records before a place. */
  bytesBefore(place: QueuePlace): number {
    let bytes = 0;
    for (const chunk of this.#chunks) {
      if (chunk.segment < place.segment) bytes += chunk.unackedBytes;
      else if (chunk.segment > place.segment) break;
      else bytes += bytesOfChunkBefore(chunk, place.position);
    }
    const moved = this.#moved?.unackedBefore(place) ?? [];
    return moved.reduce((sum, { sizeBytes }) => sum + sizeBytes, bytes);
  }

  /** The oldest unacked records before a place, up to `bytesMax` plus at most one record, in no order. */
  unackedBefore(place: QueuePlace, bytesMax: number): UnackedRecord[] {
    const found: UnackedRecord[] = [];
    let bytes = 0;
    for (const chunk of this.#chunks) {
      if (chunk.segment > place.segment || bytes >= bytesMax) break;
      for (let index = 0; index < chunk.count && bytes < bytesMax; index++) {
        if (!chunk.isUnacked(index)) continue;
        const record = recordOf(chunk, index);
        if (!isBefore(record, place)) break;
        found.push(record);
        bytes += record.sizeBytes;
      }
    }
    for (const record of this.#moved?.unackedBefore(place) ?? []) {
      if (bytes >= bytesMax) break;
      found.push(record);
      bytes += record.sizeBytes;
    }
    return found;
  }

  /** An unacked record was moved to this place; at its old place it counts as finished. */
  move(record: UnackedRecord, place: QueuePlace, checksum: number): void {
    this.#finish(record.number);
    this.#moved ??= new MovedRecords();
    this.#moved.add(record.number, place, record.sizeBytes, checksum);
  }

  /** The reader has reached this place. Returns how many moved records it has passed. */
  passMovedUntil(place: QueuePlace, ordinal: number): number {
    return this.#moved?.passUntil(place, ordinal) ?? 0;
  }

  /** Segments that have finished records after `oldest` without a written state. */
  unwrittenSegments(oldest: QueuePlace): number[] {
    const segments = new Set(this.#moved?.unwrittenSegments(oldest));
    for (const chunk of this.#chunks) {
      if (chunk.unwritten > 0 && chunk.segment >= oldest.segment) segments.add(chunk.segment);
    }
    return [...segments];
  }

  /** Lists a segment's finished records after `oldest` without a written state. */
  listUnwritten(segment: number, oldest: QueuePlace, list: StateList): void {
    for (const chunk of this.#chunks) {
      if (chunk.unwritten === 0 || chunk.segment !== segment) continue;
      for (let index = 0; index < chunk.count; index++) {
        if (!chunk.isUnwritten(index)) continue;
        const position = chunk.position(index);
        if (segment > oldest.segment || position > oldest.position) {
          list.addFinished(position, chunk.checksum(index));
        }
      }
    }
  }

  /** As `listUnwritten`, for records that were moved to this segment, which have their own order. */
  listUnwrittenMoved(segment: number, oldest: QueuePlace, list: StateList): void {
    this.#moved?.listUnwritten(segment, oldest, list);
  }

  /** The states of finished records are written: drops those records. */
  onStatesWritten(): void {
    for (const chunk of this.#chunks) if (chunk.unwritten > 0) chunk.onStatesWritten();
    this.#chunks = this.#chunks.filter((chunk) => chunk.unacked > 0);
    this.#last = 0;
    this.#moved?.onStatesWritten();
    if (this.#moved?.isEmpty) this.#moved = undefined;
  }

  /** Drops all records. */
  clear(): void {
    this.#dropped = this.#next;
    this.#chunks = [];
    this.#last = 0;
    this.#moved = undefined;
    this.#unacked = 0;
    this.#unackedBytes = 0;
    this.#finishedSegment = -1;
  }

  #finish(number: number): void {
    const chunk = this.#find(number);
    const index = number - (chunk?.first ?? 0);
    if (chunk?.isUnacked(index)) {
      chunk.finish(index);
      this.#unacked--;
      this.#unackedBytes -= chunk.sizeBytes(index);
      this.onFinishedAt(chunk.segment, chunk.position(index));
      return;
    }
    const moved = this.#moved?.get(number);
    assert(moved !== undefined, 'a record is finished once');
    this.#moved?.finish(moved);
    this.onFinishedAt(moved.segment, moved.position);
  }

  /** Drops finished chunks with no unacked record before them, which need no states. */
  #dropFinished(): void {
    if (this.#moved !== undefined) return;
    let count = 0;
    while (count < this.#chunks.length && this.#chunks[count].unacked === 0) count++;
    if (count === 0) return;
    this.#chunks = this.#chunks.slice(count);
    this.#last = 0;
  }

  /** The chunk of a number, if it still exists. */
  #find(number: number): UnackedChunk | undefined {
    const last = this.#chunks.at(this.#last);
    if (isIn(last, number)) return last;
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle].first <= number) low = middle + 1;
      else high = middle;
    }
    const chunk = this.#chunks[low - 1];
    if (!isIn(chunk, number)) return undefined;
    this.#last = low - 1;
    return chunk;
  }

  /** The unwrapped number of the last record that was handed out with this number. */
  #unwrap(number: number): number {
    const distance = (this.next - number) >>> 0;
    const complete = this.#next - (distance === 0 ? NUMBERS : distance);
    assert(complete >= 0, 'only what was handed out is finished');
    return complete;
  }
}

function isIn(chunk: UnackedChunk | undefined, number: number): boolean {
  return chunk !== undefined && number >= chunk.first && number < chunk.first + chunk.count;
}

function recordOf(chunk: UnackedChunk, index: number): UnackedRecord {
  return {
    number: chunk.first + index,
    segment: chunk.segment,
    position: chunk.position(index),
    sizeBytes: chunk.sizeBytes(index),
    checksum: chunk.checksum(index),
  };
}

function bytesOfChunkBefore(chunk: UnackedChunk, position: number): number {
  let bytes = 0;
  for (let index = 0; index < chunk.count && chunk.position(index) < position; index++) {
    if (chunk.isUnacked(index)) bytes += chunk.sizeBytes(index);
  }
  return bytes;
}

function withOrdinal(
  moved: MovedRecord | undefined,
): (QueuePlace & { readonly ordinal: number }) | undefined {
  if (moved === undefined) return undefined;
  const { segment, position, ordinal } = moved;
  assert(ordinal !== undefined, 'the oldest record was passed');
  return { segment, position, ordinal };
}
