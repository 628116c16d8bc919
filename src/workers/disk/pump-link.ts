/**
 * A disk thread's end of the two rings to one pump thread: it reads requests one by one and writes answers and log
 * lines.
 *
 * A request is handled only when there is room for its answer, so answers are never queued. Log lines are queued:
 * they occur while an answer is being written, and are sent after it when there is room.
 *
 * Bound: `STATUS_LINES_MAX` log lines; the oldest are dropped, and a line tells how many.
 * Thread: disk.
 */

import { assert } from '../../shared/assert.ts';
import type { Doorbell } from '../../shared/ring/doorbell.ts';
import { FULL, type RingReader, type RingWriter } from '../../shared/ring/ring.ts';
import {
  ANSWER_DEFERRED,
  ANSWER_OK,
  ANSWER_UNREAD,
  ANSWER_UNREAD_BYTES,
  ANSWER_WORDS,
  COMMITTED,
  COMMITTED_COUNT,
  COMMITTED_OK,
  COMMITTED_WORDS,
  DUE_WORDS,
  QUEUE,
  RECORDS,
  RECORDS_COUNT,
  RECORDS_FIRST,
  RECORDS_HAS_DUE,
  RECORDS_WORDS,
  REREAD_DONE,
  REREAD_DONE_COVERED,
  STATUS,
  STATUS_LEVEL,
  STATUS_WORDS,
  SURVEYED,
} from '../disk-records.ts';
import { type DiskLogLevel, LOG_WARNING } from './files/disk-log.ts';
import { RECORD_BYTES_MIN } from './records/disk-record.ts';
import type { ReadBatch } from './segments/segment-reader.ts';
import type { RereadBatch } from './unacked/record-reread.ts';

/** Most bytes of an error text or log line; longer ones are cut off. */
const TEXT_BYTES_MAX = 1024;
/** Most log lines that wait for room. */
const STATUS_LINES_MAX = 64;

const DUE_BYTES = DUE_WORDS * 4;
/** An answer with records. */
export type RecordsType = typeof RECORDS | typeof REREAD_DONE;

/** Most padding before due times. */
const PADDING_MAX = 3;

/** The figures of a queue, in every answer. */
export interface QueueFigures {
  readonly unread: number;
  readonly unreadBytes: number;
  readonly deferred: number;
}

/** The figures of a queue that is not open. */
const NO_FIGURES: QueueFigures = { unread: 0, unreadBytes: 0, deferred: 0 };

/** Bytes for the records of an answer to READ: enough for at least one record of any size. */
export function recordsRoom(recordBytesMax: number): number {
  return recordBytesMax + PADDING_MAX + DUE_BYTES;
}

/** The ends of the rings, and the bell of the thread at the other end. */
export interface PumpLinkOptions {
  readonly requests: RingReader;
  readonly replies: RingWriter;
  readonly bell: Doorbell;
}

export class PumpLink {
  /** Whether the pump has sent END. */
  hasEnded = false;

  /** The ring of requests. */
  readonly requests: RingReader;
  /** The ring of answers; records are read directly into it. */
  readonly answers: RingWriter;
  readonly #bell: Doorbell;
  /** Offset of the answer that is being written. */
  #answer = FULL;
  #answerBytes = 0;
  #mustRing = false;
  #statusLines: { readonly level: DiskLogLevel; readonly text: string }[] = [];
  #droppedLines = 0;

  constructor(options: PumpLinkOptions) {
    this.requests = options.requests;
    this.answers = options.replies;
    this.#bell = options.bell;
  }

  /** Whether room for an answer is reserved and unused. */
  get hasAnswerClaimed(): boolean {
    return this.#answer !== FULL;
  }

  /** Most bytes of records that fit an answer, with due times or without. */
  recordsBytesMax(mayHaveDueTimes: boolean): number {
    const bytes = this.answers.lengthMax - RECORDS_WORDS * 4;
    if (!mayHaveDueTimes) return bytes;
    const records = Math.floor((bytes - PADDING_MAX) / (RECORD_BYTES_MIN + DUE_BYTES));
    return records * RECORD_BYTES_MIN;
  }

  /** Reserves room for an answer without records. Returns false if there is none. */
  claimAnswer(): boolean {
    return this.#claim(ANSWER_WORDS * 4 + TEXT_BYTES_MAX);
  }

  /**
   * Reserves room for a RECORDS answer with `bytes`, or as many as fit, and with due times for all records that these
   * may contain. Returns false if there is none. Units: `bytesWanted` is the requested number; `bytes` is larger if
   * the first record is.
   */
  claimRecords(bytes: number, bytesWanted: number, mayHaveDueTimes: boolean): boolean {
    const records = Math.max(1, Math.floor(Math.min(bytes, bytesWanted) / RECORD_BYTES_MIN));
    const due = mayHaveDueTimes ? PADDING_MAX + records * DUE_BYTES : 0;
    return this.#claim(RECORDS_WORDS * 4 + Math.max(bytes + due, TEXT_BYTES_MAX));
  }

  /** Where the records of the claimed answer begin. */
  get recordsOffset(): number {
    return this.#answer + RECORDS_WORDS * 4;
  }

  /** Releases the room reserved for an answer. */
  abandonAnswer(): void {
    this.answers.abandon();
    this.#answer = FULL;
  }

  /** Completes an answer without records. Without an error it reports success. */
  answer(
    type: number,
    queue: number,
    figures: QueueFigures | undefined,
    error: string | undefined,
  ): void {
    const bytes = error === undefined ? 0 : this.#writeText(ANSWER_WORDS * 4, error);
    this.#writeFields(queue, figures ?? NO_FIGURES, error);
    this.#commit(type, ANSWER_WORDS * 4 + bytes);
  }

  /** Completes an answer about this many APPENDs that wait for stable storage; without an error they are durable. */
  answerCommitted(count: number, error: string | undefined): void {
    const bytes = error === undefined ? 0 : this.#writeText(COMMITTED_WORDS * 4, error);
    const at = this.#answer >>> 2;
    this.answers.words[at + COMMITTED_COUNT] = count;
    this.answers.words[at + COMMITTED_OK] = error === undefined ? 1 : 0;
    this.#commit(COMMITTED, COMMITTED_WORDS * 4 + bytes);
  }

  /** Completes a RECORDS answer whose records are already in place. */
  answerRecords(queue: number, figures: QueueFigures, batch: ReadBatch): void {
    this.#writeFields(queue, figures, undefined);
    this.#writeRecordsFields(batch.count, batch.first, batch.dueTimes !== undefined);
    const { dueTimes } = batch;
    let length = RECORDS_WORDS * 4 + batch.bytes;
    if (dueTimes !== undefined) length = this.#writeDueTimes(dueTimes, length);
    this.#commit(RECORDS, length);
  }

  /** Completes a REREAD_DONE answer whose records are already in place. */
  answerReread(queue: number, figures: QueueFigures, batch: RereadBatch): void {
    const { bytes, covered, numbers } = batch;
    this.#writeFields(queue, figures, undefined);
    this.#writeRecordsFields(numbers.length, 0, false);
    this.answers.words[(this.#answer >>> 2) + REREAD_DONE_COVERED] = covered;
    const start = paddedTo4(RECORDS_WORDS * 4 + bytes);
    this.answers.words.set(numbers, (this.#answer + start) >>> 2);
    this.#commit(REREAD_DONE, start + numbers.length * 4);
  }

  /** Completes an answer of this type without records, because of an error or because there are none. */
  answerNoRecords(
    type: RecordsType,
    queue: number,
    figures: QueueFigures | undefined,
    error: string | undefined,
  ): void {
    const bytes = error === undefined ? 0 : this.#writeText(RECORDS_WORDS * 4, error);
    this.#writeFields(queue, figures ?? NO_FIGURES, error);
    this.#writeRecordsFields(0, 0, false);
    this.#commit(type, RECORDS_WORDS * 4 + bytes);
  }

  /** Completes a SURVEYED answer. */
  answerSurvey(queue: number, figures: QueueFigures | undefined, result: Buffer): void {
    this.#writeFields(queue, figures ?? NO_FIGURES, undefined);
    this.answers.bytes.set(result, this.#answer + ANSWER_WORDS * 4);
    assert(ANSWER_WORDS * 4 + result.length <= this.#answerBytes, 'a result fits its room');
    this.#commit(SURVEYED, ANSWER_WORDS * 4 + result.length);
  }

  /** Queues a log line for the next `flush`. */
  log(level: DiskLogLevel, text: string): void {
    if (this.#statusLines.length === STATUS_LINES_MAX) {
      this.#statusLines.shift();
      this.#droppedLines++;
    }
    this.#statusLines.push({ level, text });
  }

  /**
   * Publishes answers to the pump, releases the room of handled requests, and rings the pump's bell if it waits for
   * either.
   */
  flush(): void {
    while (this.#sendStatus());
    if (this.answers.publish()) this.#mustRing = true;
    if (this.requests.release()) this.#mustRing = true;
    if (this.#mustRing) this.#bell.ring();
    this.#mustRing = false;
  }

  #claim(bytes: number): boolean {
    this.#answerBytes = Math.min(bytes, this.answers.lengthMax);
    this.#answer = this.answers.claim(this.#answerBytes);
    return this.#answer !== FULL;
  }

  #writeFields(queue: number, figures: QueueFigures, error: string | undefined): void {
    const at = this.#answer >>> 2;
    const { words } = this.answers;
    words[at + QUEUE] = queue;
    words[at + ANSWER_OK] = error === undefined ? 1 : 0;
    words[at + ANSWER_UNREAD] = Math.floor(figures.unread / 2 ** 32);
    words[at + ANSWER_UNREAD + 1] = figures.unread % 2 ** 32;
    words[at + ANSWER_UNREAD_BYTES] = Math.floor(figures.unreadBytes / 2 ** 32);
    words[at + ANSWER_UNREAD_BYTES + 1] = figures.unreadBytes % 2 ** 32;
    words[at + ANSWER_DEFERRED] = Math.min(figures.deferred, 0xffffffff);
  }

  #writeRecordsFields(count: number, first: number, hasDueTimes: boolean): void {
    const at = this.#answer >>> 2;
    this.answers.words[at + RECORDS_COUNT] = count;
    this.answers.words[at + RECORDS_FIRST] = first;
    this.answers.words[at + RECORDS_HAS_DUE] = hasDueTimes ? 1 : 0;
  }

  /** Writes due times after the first `length` bytes of the answer; returns the new length. */
  #writeDueTimes(dueTimes: readonly number[], length: number): number {
    const start = paddedTo4(length);
    const end = start + dueTimes.length * DUE_BYTES;
    assert(end <= this.#answerBytes, 'due times fit the room that was reserved for them');
    let at = (this.#answer + start) >>> 2;
    for (const dueMs of dueTimes) {
      this.answers.words[at++] = Math.floor(dueMs / 2 ** 32);
      this.answers.words[at++] = dueMs % 2 ** 32;
    }
    return end;
  }

  #writeText(offset: number, text: string): number {
    const room = Math.min(TEXT_BYTES_MAX, this.#answerBytes - offset);
    return this.answers.bytes.write(text, this.#answer + offset, room);
  }

  #commit(type: number, length: number): void {
    this.answers.commit(type, length);
    this.#answer = FULL;
    // A claim that finds the ring full publishes too, so the result of `publish` alone does not tell whether to ring.
    this.#mustRing = true;
  }

  /** Sends the oldest log line. Returns false if there is none, or no room. */
  #sendStatus(): boolean {
    if (this.#droppedLines > 0) {
      const text = `${this.#droppedLines} log lines of the disk thread were dropped`;
      if (!this.#trySendStatus(LOG_WARNING, text)) return false;
      this.#droppedLines = 0;
    }
    const line = this.#statusLines.at(0);
    if (line === undefined || !this.#trySendStatus(line.level, line.text)) return false;
    this.#statusLines.shift();
    return true;
  }

  #trySendStatus(level: DiskLogLevel, text: string): boolean {
    const bytes = Math.min(Buffer.byteLength(text), TEXT_BYTES_MAX);
    if (!this.#claim(STATUS_WORDS * 4 + bytes)) return false;
    this.answers.words[(this.#answer >>> 2) + STATUS_LEVEL] = level;
    this.#commit(STATUS, STATUS_WORDS * 4 + this.#writeText(STATUS_WORDS * 4, text));
    return true;
  }
}

/** Rounds up to the alignment of words. */
function paddedTo4(length: number): number {
  return (length + PADDING_MAX) & ~PADDING_MAX;
}
