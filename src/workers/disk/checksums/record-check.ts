/**
 * Verifies records against their stored checksums.
 *
 * Checksums may be out of date: nsqd or an operator may have replaced the bytes of the segment. So an entry applies
 * to a record only if a part of the record matches it (see `checksum-file.ts`). Then the entry was written for this
 * record, and any difference is damage. After the first intact record that does not match its entry, the checksums of
 * the segment are no longer trusted, and are removed (see `foreign-checksums.ts`). Without an entry, the record's
 * format decides.
 *
 * Errors: checksums that cannot be read are logged, and count as missing until the next `refresh`. `nextPlace` throws
 * instead while its queue still waits for the file, because its decision is final.
 * Thread: disk.
 */

import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses } from '../files/file-error.ts';
import { keptAs } from '../files/sidecar-patience.ts';
import type { QueueContext } from '../queue-context.ts';
import { hasMessageId, RECORD_BYTES_MIN, recordSize, storedSize } from '../records/disk-record.ts';
import { ChecksumCursor } from './checksum-file.ts';
import type { ForeignChecksums } from './foreign-checksums.ts';

/** What a check needs from its queue. */
export type RecordCheckSource = Pick<
  QueueContext,
  'openFiles' | 'files' | 'recordBytesMax' | 'log' | 'patience'
>;

/** The verdict of the checksums on a record: none, unchanged, the written record but damaged, or another record. */
export type RecordVerdict = 'unknown' | 'same' | 'damaged' | 'other';

export class RecordCheck {
  readonly #source: RecordCheckSource;
  readonly #checksums: ChecksumCursor;
  readonly #foreign: ForeignChecksums | undefined;
  /** The segment whose checksums are not trusted: they belong to other records, or cannot be read. */
  #distrusted = -1;
  /** The segment whose checksums could not be read the last time. */
  #unreadable = -1;
  /** The segment whose unreadable checksums have been logged. */
  #toldUnreadable = -1;
  /** The size of the record that was checked last, from its entry. */
  #size = 0;

  /** `foreign`: receives checksums that belong to other records. */
  constructor(source: RecordCheckSource, foreign?: ForeignChecksums) {
    this.#source = source;
    this.#foreign = foreign;
    this.#checksums = new ChecksumCursor(source.openFiles, source.files);
  }

  /** The original size of the record that `checkFront` or `check` has just found damaged. */
  get size(): number {
    return this.#size;
  }

  /** Whether the segment holds intact records that do not match its checksums. */
  isDistrusted(segment: number): boolean {
    return segment === this.#distrusted;
  }

  /** Reads the checksums again, since there may be more now. */
  refresh(): void {
    this.#checksums.refresh();
    this.#unreadable = -1;
  }

  /**
   * Checks the part before the body; "same" says nothing about the body.
   *
   * Shape: the first `RECORD_BYTES_MIN` bytes of the record at `at`.
   */
  checkFront(segment: number, position: number, bytes: Uint8Array, at: number): RecordVerdict {
    if (!this.#find(segment, position)) return 'unknown';
    const parts = this.#checksums.samePartsOf(bytes, at);
    if (parts === 2) return 'same';
    if (parts === 1) return 'damaged';
    if (this.#isFramed(bytes, at)) this.#distrust(segment);
    return 'other';
  }

  /** Checks a whole record against this checksum. */
  check(
    segment: number,
    position: number,
    bytes: Uint8Array,
    at: number,
    checksum: number,
  ): RecordVerdict {
    if (!this.#find(segment, position)) return 'unknown';
    if (this.#checksums.checksum === checksum) return 'same';
    if (this.#checksums.samePartsOf(bytes, at) > 0) return 'damaged';
    if (this.#isFramed(bytes, at)) this.#distrust(segment);
    return 'other';
  }

  /**
   * Where the next record begins, after a place whose bytes do not have the format of a record: the first place whose
   * record matches its entry, or the end of the segment.
   *
   * Errors: throws if the segment cannot be read, and for some time if the checksums cannot be read.
   */
  nextPlace(segment: number, position: number, end: number): number {
    if (segment === this.#distrusted) return end;
    let sought = position;
    while (this.#seek(segment, sought) && this.#checksums.position < end) {
      const found = this.#checksums.position;
      const next = found + this.#checksums.size;
      if (found > position && this.#isSameFront(segment, found)) return found;
      // Records without an entry may follow one with an entry.
      if (found === position && next < end && this.#isRecordAt(segment, next, end)) return next;
      sought = found + 1;
    }
    return end;
  }

  /** Like the cursor's `seek`; after the waiting time the checksums count as missing. */
  #seek(segment: number, position: number): boolean {
    const { openFiles, files, patience, log } = this.#source;
    const path = files.checksums(segment);
    try {
      const isFound = this.#checksums.seek(segment, position);
      patience.onUsed('read', path);
      return isFound;
    } catch (error) {
      if (!patience.isOver('read', path, error, () => this.#readFront(segment, position)))
        throw error;
      const aside = patience.setAside(openFiles, path);
      log(
        LOG_ERROR,
        `segment ${segment}: its checksums cannot be read, what follows damage is lost; ` +
          `${keptAs(aside)} - ${errorWithCauses(error)}`,
      );
      this.#distrusted = segment;
      return false;
    }
  }

  /** Finds the entry for a record. Returns false if there is no entry to trust. */
  #find(segment: number, position: number): boolean {
    if (segment === this.#distrusted || segment === this.#unreadable) return false;
    try {
      if (!this.#checksums.seek(segment, position) || this.#checksums.position !== position)
        return false;
      this.#size = this.#checksums.size;
      return true;
    } catch (error) {
      this.#unreadable = segment;
      if (segment !== this.#toldUnreadable) {
        this.#toldUnreadable = segment;
        this.#log(segment, `cannot be read - ${errorWithCauses(error)}`);
      }
      return false;
    }
  }

  #isSameFront(segment: number, position: number): boolean {
    const { laterFront } = this.#source.openFiles.scratch;
    return this.#readFront(segment, position) && this.#checksums.samePartsOf(laterFront, 0) === 2;
  }

  #isRecordAt(segment: number, position: number, end: number): boolean {
    const { laterFront } = this.#source.openFiles.scratch;
    return (
      this.#readFront(segment, position) &&
      this.#isFramed(laterFront, 0) &&
      position + storedSize(laterFront, 0) <= end
    );
  }

  #readFront(segment: number, position: number): boolean {
    const { openFiles, files } = this.#source;
    const path = files.segment(segment);
    const { laterFront } = openFiles.scratch;
    return openFiles.read(path, laterFront, 0, RECORD_BYTES_MIN, position) === RECORD_BYTES_MIN;
  }

  #isFramed(bytes: Uint8Array, at: number): boolean {
    return recordSize(bytes, at, this.#source.recordBytesMax) > 0 && hasMessageId(bytes, at);
  }

  #distrust(segment: number): void {
    this.#distrusted = segment;
    this.#foreign?.add(segment);
    this.#log(segment, 'belong to other records');
  }

  #log(segment: number, what: string): void {
    this.#source.log(LOG_WARNING, `segment ${segment}: its checksums ${what}, continuing without`);
  }
}
