/**
 * A survey of a disk queue: lists records, finishes or requeues unread ones, and moves no read position.
 *
 * Unread records are visited in the order of their places, from the reader's place on. Changes are written to their
 * states, which the reader applies when it gets there.
 *
 * Bound: one call reads `SCAN_BYTES_MAX` bytes and one record, and returns `RESULT_BYTES` and one record.
 * Errors: throws if a segment or states cannot be read or written; then nothing was done, or a part that may be
 * repeated.
 * Thread: disk.
 */

import type { DiskSurvey, DiskSurveyResult, SurveyedRecord } from '../../shared/message-survey.ts';
import { messageFacts, RecordFilter } from '../record-filter.ts';
import { RecordCheck } from './checksums/record-check.ts';
import { isBefore, type QueuePlace } from './files/queue-place.ts';
import type { QueueContext } from './queue-context.ts';
import {
  dataViewOf,
  hasMessageId,
  RECORD_ATTEMPTS_OFFSET,
  RECORD_BYTES_MIN,
  recordChecksum,
  recordSize,
} from './records/disk-record.ts';
import { nextSegmentOf } from './segments/segment-span.ts';
import type { RecordStates } from './states/record-states.ts';
import { StateList } from './states/state-list.ts';
import { STATE_FINISHED } from './states/state-slots.ts';
import { readUnacked } from './unacked/read-unacked.ts';
import type { UnackedRecords } from './unacked/unacked-records.ts';
import type { UnreadCount } from './unacked/unread-count.ts';

/** Bytes of records in a result. */
export const RESULT_BYTES = 128 * 1024;
/** What a record takes in a result besides its body. */
export const FACTS_BYTES = 256;
const SCAN_BYTES_MAX = 512 * 1024;

/** The parts of the queue. */
interface QueueSurveyParts {
  readonly source: QueueContext;
  readonly states: RecordStates;
  readonly unacked: UnackedRecords;
  readonly unread: UnreadCount;
  /** The place of the next unread record, and where they end. */
  readonly reader: { readonly place: QueuePlace; onFinishedAhead(): void };
  readonly writer: QueuePlace;
  /** Attempts of a record whose state could not be written yet. */
  readonly unwrittenAttempts: (number: number) => number | undefined;
  /** This many records were finished or requeued. */
  readonly onWork: (count: number) => void;
}

/** An unread record at a place. */
interface FoundRecord {
  readonly position: number;
  readonly sizeBytes: number;
  readonly checksum: number;
  readonly attempts: number;
  readonly dueMs: number;
}

export class QueueSurvey {
  /** Bytes that the last call has read. */
  scannedBytes = 0;

  readonly #parts: QueueSurveyParts;
  readonly #check: RecordCheck;

  constructor(parts: QueueSurveyParts) {
    this.#parts = parts;
    this.#check = new RecordCheck(parts.source);
  }

  /** Carries out a survey. Units: `resultBytesMax` of records in the result; the last one may exceed this. */
  run(survey: DiskSurvey, resultBytesMax = RESULT_BYTES): DiskSurveyResult {
    this.scannedBytes = 0;
    if (survey.numbers !== null) return this.#runNumbers(survey, survey.numbers, resultBytesMax);
    this.#check.refresh();
    return new UnreadScan(this.#parts, this.#check, survey, resultBytesMax).run((bytes) => {
      this.scannedBytes += bytes;
    });
  }

  /** Lists unacked records by their numbers. */
  #runNumbers(
    survey: DiskSurvey,
    numbers: readonly number[],
    resultBytesMax: number,
  ): DiskSurveyResult {
    const { source, states, unacked, unwrittenAttempts } = this.#parts;
    const block = source.openFiles.scratch.records;
    const filter = new RecordFilter(survey.filter);
    const records: SurveyedRecord[] = [];
    let resultBytes = 0;
    let covered = 0;
    for (const number of numbers) {
      if (resultBytes >= resultBytesMax || this.scannedBytes >= SCAN_BYTES_MAX) break;
      covered++;
      const record = unacked.get(number);
      if (record === undefined) continue;
      const { sizeBytes } = record;
      const bytes = sizeBytes <= block.length ? block : Buffer.allocUnsafe(sizeBytes);
      const dueMs = readUnacked(source, states, record, bytes, 0);
      this.scannedBytes += sizeBytes;
      if (dueMs === 'damaged') continue;
      const attempts = unwrittenAttempts(number);
      if (attempts !== undefined) bytes.writeUInt16BE(attempts, RECORD_ATTEMPTS_OFFSET);
      if (!filter.accepts(bytes, 0, sizeBytes)) continue;
      const facts = messageFacts(bytes, 0, sizeBytes, survey.bodyMax);
      resultBytes += FACTS_BYTES + facts.body.length;
      records.push({ ...facts, dueMs, number });
    }
    return { records, done: [], next: null, covered };
  }
}

/** One pass over unread records. */
class UnreadScan {
  readonly #parts: QueueSurveyParts;
  readonly #check: RecordCheck;
  readonly #survey: DiskSurvey;
  readonly #filter: RecordFilter;
  readonly #movedPlaces: ReadonlySet<string>;
  readonly #records: SurveyedRecord[] = [];
  readonly #done: string[] = [];
  /** The states to write for the current segment, and the records that they belong to. */
  readonly #list = new StateList();
  #listed: FoundRecord[] = [];
  #segment: number;
  #position: number;
  #resultBytes = 0;
  readonly #resultBytesMax: number;

  constructor(
    parts: QueueSurveyParts,
    check: RecordCheck,
    survey: DiskSurvey,
    resultBytesMax: number,
  ) {
    this.#resultBytesMax = resultBytesMax;
    this.#parts = parts;
    this.#check = check;
    this.#survey = survey;
    this.#filter = new RecordFilter(survey.filter);
    this.#movedPlaces = parts.unacked.movedPlaces;
    const { place } = parts.reader;
    const from = isBefore(survey, place) ? place : survey;
    this.#segment = from.segment;
    this.#position = from.position;
  }

  run(onScanned: (bytes: number) => void): DiskSurveyResult {
    const { writer } = this.#parts;
    let scanned = 0;
    while (isBefore({ segment: this.#segment, position: this.#position }, writer)) {
      if (scanned >= SCAN_BYTES_MAX || this.#isFull) {
        this.#writeStates();
        return this.#result([this.#segment, this.#position]);
      }
      const before = this.#position;
      const end = this.#segmentEnd();
      if (this.#position >= end) this.#enterNext();
      else {
        this.#scanBlock(end);
        onScanned(this.#position - before);
        scanned += this.#position - before;
      }
    }
    this.#writeStates();
    return this.#result(null);
  }

  get #isFull(): boolean {
    const count = this.#records.length + this.#done.length;
    return count >= this.#survey.countMax || this.#resultBytes >= this.#resultBytesMax;
  }

  #result(next: DiskSurveyResult['next']): DiskSurveyResult {
    return { records: this.#records, done: this.#done, next, covered: 0 };
  }

  #segmentEnd(): number {
    const { source, writer } = this.#parts;
    if (this.#segment === writer.segment) return writer.position;
    const size = source.openFiles.size(source.files.segment(this.#segment));
    return size === 'missing' ? 0 : size;
  }

  #enterNext(): void {
    this.#writeStates();
    const { source, writer } = this.#parts;
    const next = nextSegmentOf(source, this.#segment) ?? writer.segment;
    this.#segment = Math.min(next, writer.segment);
    this.#position = 0;
  }

  /** Visits the records that lie completely in one block. */
  #scanBlock(end: number): void {
    const block = this.#parts.source.openFiles.scratch.records;
    const length = this.#read(block, Math.min(block.length, end - this.#position));
    let at = 0;
    while (!this.#isFull) {
      const size = this.#sizeAt(block, at, length);
      if (size === 0 || at + size > length) break;
      this.#look(block, at, size);
      at += size;
      this.#position += size;
    }
    if (at > 0 || this.#isFull) return;
    const size = this.#sizeAt(block, 0, length);
    if (size > 0 && this.#position + size <= end) this.#scanLarge(size, end);
    else this.#position = this.#check.nextPlace(this.#segment, this.#position, end);
  }

  #scanLarge(size: number, end: number): void {
    const bytes = Buffer.allocUnsafe(size);
    if (this.#read(bytes, size) === size) {
      this.#look(bytes, 0, size);
      this.#position += size;
    } else this.#position = end;
  }

  #read(target: Buffer, length: number): number {
    const { source } = this.#parts;
    const path = source.files.segment(this.#segment);
    const got = source.openFiles.read(path, target, 0, length, this.#position);
    return got === 'missing' ? 0 : got;
  }

  /** The size of the record at `at`; 0 if there is none. Only its front must be in the block. */
  #sizeAt(bytes: Buffer, at: number, end: number): number {
    if (at + RECORD_BYTES_MIN > end) return 0;
    const size = recordSize(bytes, at, this.#parts.source.recordBytesMax);
    return size > 0 && hasMessageId(bytes, at) ? size : 0;
  }

  #look(bytes: Buffer, at: number, size: number): void {
    const { states } = this.#parts;
    const segment = this.#segment;
    const position = this.#position;
    if (this.#movedPlaces.has(`${segment}:${position}`)) return;
    const checksum = recordChecksum(bytes, dataViewOf(bytes), at, at + size);
    if (this.#check.check(segment, position, bytes, at, checksum) === 'damaged') return;
    let dueMs = 0;
    if (states.find(segment, position) && states.checksum === checksum) {
      if (states.state === STATE_FINISHED) return;
      dueMs = states.dueMs;
      bytes.writeUInt16BE(states.attempts, at + RECORD_ATTEMPTS_OFFSET);
    }
    const { filter, bodyMax, nowMs, work } = this.#survey;
    if (work === 'touch' || !filter.states.includes(dueMs > nowMs ? 'deferred' : 'ready')) return;
    if (!this.#filter.accepts(bytes, at, at + size)) return;
    const facts = messageFacts(bytes, at, at + size, bodyMax);
    this.#resultBytes += FACTS_BYTES + facts.body.length;
    const { attempts } = facts;
    this.#select(
      { ...facts, dueMs, number: -1 },
      { position, sizeBytes: size, checksum, attempts, dueMs },
    );
  }

  #select(record: SurveyedRecord, found: FoundRecord): void {
    const { work, dueMs } = this.#survey;
    if (work === 'list') {
      this.#records.push(record);
      return;
    }
    this.#done.push(record.id);
    const { position, checksum, attempts } = found;
    if (work === 'finish') this.#list.addFinished(position, checksum);
    else this.#list.addUnacked(position, attempts, dueMs, checksum);
    this.#listed.push(found);
  }

  /** Errors: throws if the states cannot be written: then those of this segment are not. */
  #writeStates(): void {
    if (this.#listed.length === 0) return;
    const { states, unread, reader, onWork } = this.#parts;
    const { work, dueMs } = this.#survey;
    const listed = this.#listed;
    states.write(this.#segment, this.#list);
    if (!states.has(this.#segment)) {
      throw new Error(`the states of segment ${this.#segment} cannot be written`);
    }
    this.#list.clear();
    this.#listed = [];
    for (const found of listed) {
      if (work === 'finish') unread.onFinished(found.dueMs > 0);
      else unread.onDueChanged(found.dueMs > 0, dueMs > 0);
    }
    reader.onFinishedAhead();
    onWork(listed.length);
  }
}
