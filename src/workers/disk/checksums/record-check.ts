/**
 * Holds records that are read against their sums.
 *
 * Sums may be out of date: nsqd or an operator may have put other bytes in the segment's place. So they are believed
 * about a record only where a part of it is as they say, see `checksum-entry.ts`: then the record is the one they were
 * written for, and a difference is damage. At the first record that is whole and not theirs they are given up for the
 * segment. What they do not know is for the format to decide, as if there were none.
 *
 * Errors: sums that cannot be read are said in the log, and there are none until the next `refresh`; except for
 * `nextPlace`, which throws as long as its queue has patience, as what it decides is decided for good.
 * Thread: disk.
 */

import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
import { keptAs } from '../files/sidecar-patience.ts';
import type { QueueContext } from '../queue-context.ts';
import { hasMessageId, RECORD_BYTES_MIN, recordSize, storedSize } from '../records/disk-record.ts';
import { SumsCursor } from './checksum-cursor.ts';

/** What a check needs of its queue. */
export type RecordCheckSource = Pick<
  QueueContext,
  'openFiles' | 'files' | 'recordBytesMax' | 'log' | 'patience'
>;

/**
 * What the sums say of a record: nothing, that it is as it was written, that it is the one that was written and has
 * been damaged, or that it is another one.
 */
export type Verdict = 'unknown' | 'same' | 'damaged' | 'other';

/** The part of a record that tells whether it is one. One for the thread. */
const front = Buffer.allocUnsafeSlow(RECORD_BYTES_MIN);

export class RecordCheck {
  readonly #source: RecordCheckSource;
  readonly #sums: SumsCursor;
  /** The segment whose sums are not believed. */
  #givenUp = -1;
  /** The segment whose sums could not be read the last time. */
  #unreadable = -1;
  /** The segment of which the log says so. */
  #toldUnreadable = -1;
  /** Bytes of the record that was judged last, by its entry. */
  #size = 0;

  constructor(source: RecordCheckSource) {
    this.#source = source;
    this.#sums = new SumsCursor(source.openFiles, source.files);
  }

  /** Bytes that a record had which `judgeFront` or `judge` has just found damaged. */
  get size(): number {
    return this.#size;
  }

  /** Whether the segment was found to hold whole records that are not those of its sums. */
  isGivenUp(segment: number): boolean {
    return segment === this.#givenUp;
  }

  /** There may be more sums by now. */
  refresh(): void {
    this.#sums.refresh();
    this.#unreadable = -1;
  }

  /**
   * Judges by what stands before the body; "same" says nothing of that.
   *
   * Shape: the first `RECORD_BYTES_MIN` bytes of the record at `at`.
   */
  judgeFront(segment: number, position: number, bytes: Uint8Array, at: number): Verdict {
    if (!this.#find(segment, position)) return 'unknown';
    const parts = this.#sums.samePartsOf(bytes, at);
    if (parts === 2) return 'same';
    if (parts === 1) return 'damaged';
    if (this.#isFramed(bytes, at)) this.#giveUp(segment);
    return 'other';
  }

  /** Judges a whole record, of which this is the checksum. */
  judge(
    segment: number,
    position: number,
    bytes: Uint8Array,
    at: number,
    checksum: number,
  ): Verdict {
    if (!this.#find(segment, position)) return 'unknown';
    if (this.#sums.checksum === checksum) return 'same';
    if (this.#sums.samePartsOf(bytes, at) > 0) return 'damaged';
    if (this.#isFramed(bytes, at)) this.#giveUp(segment);
    return 'other';
  }

  /**
   * Where the next record begins behind a place of which the format says that there is none: the first place that the
   * sums know of and that has the record they know, or the end of the segment.
   *
   * Errors: throws when the segment cannot be read, or the sums can not for some time.
   */
  nextPlace(segment: number, position: number, end: number): number {
    if (segment === this.#givenUp) return end;
    let sought = position;
    while (this.#seek(segment, sought) && this.#sums.position < end) {
      const found = this.#sums.position;
      const next = found + this.#sums.size;
      if (found > position && this.#isSameFront(segment, found)) return found;
      // Records that have no entry may follow one that has.
      if (found === position && next < end && this.#isRecordAt(segment, next, end)) return next;
      sought = found + 1;
    }
    return end;
  }

  /** As the cursor, until patience is over: then there are no sums. */
  #seek(segment: number, position: number): boolean {
    const { openFiles, files, patience, log } = this.#source;
    const path = files.sums(segment);
    try {
      const isFound = this.#sums.seek(segment, position);
      patience.onUsed('read', path);
      return isFound;
    } catch (error) {
      if (!patience.isOver('read', path, error, () => this.#readFront(segment, position)))
        throw error;
      const aside = patience.setAside(openFiles, path);
      log(
        LOG_ERROR,
        `segment ${segment}: its checksums cannot be read, what is behind damage is lost; ` +
          `${keptAs(aside)} - ${errorText(error)}`,
      );
      this.#givenUp = segment;
      return false;
    }
  }

  /** Finds the entry for a record. Returns false if there is none to be believed. */
  #find(segment: number, position: number): boolean {
    if (segment === this.#givenUp || segment === this.#unreadable) return false;
    try {
      if (!this.#sums.seek(segment, position) || this.#sums.position !== position) return false;
      this.#size = this.#sums.size;
      return true;
    } catch (error) {
      this.#unreadable = segment;
      if (segment !== this.#toldUnreadable) {
        this.#toldUnreadable = segment;
        this.#log(segment, `cannot be read - ${errorText(error)}`);
      }
      return false;
    }
  }

  #isSameFront(segment: number, position: number): boolean {
    return this.#readFront(segment, position) && this.#sums.samePartsOf(front, 0) === 2;
  }

  #isRecordAt(segment: number, position: number, end: number): boolean {
    return (
      this.#readFront(segment, position) &&
      this.#isFramed(front, 0) &&
      position + storedSize(front, 0) <= end
    );
  }

  #readFront(segment: number, position: number): boolean {
    const { openFiles, files } = this.#source;
    const path = files.segment(segment);
    return openFiles.read(path, front, 0, RECORD_BYTES_MIN, position) === RECORD_BYTES_MIN;
  }

  #isFramed(bytes: Uint8Array, at: number): boolean {
    return recordSize(bytes, at, this.#source.recordBytesMax) > 0 && hasMessageId(bytes, at);
  }

  #giveUp(segment: number): void {
    this.#givenUp = segment;
    this.#log(segment, 'are of other records');
  }

  #log(segment: number, what: string): void {
    this.#source.log(LOG_WARNING, `segment ${segment}: its checksums ${what}, going on without`);
  }
}
