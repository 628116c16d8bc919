/**
 * Parses the variable parts of a pump's requests.
 *
 * Thread: disk.
 */

import type { RingReader } from '../../shared/ring/ring.ts';
import {
  APPEND_COUNT,
  APPEND_FLAGS,
  APPEND_HAS_DUE,
  APPEND_IS_SYNCED,
  APPEND_WORDS,
  DUE_WORDS,
  FINISH_RUN_WORDS,
  FINISH_RUNS,
  REREAD_BYTES,
  REREAD_RUNS,
  UPDATE_ATTEMPTS,
  UPDATE_DUE,
  UPDATE_ENTRIES,
  UPDATE_ENTRY_WORDS,
  UPDATE_NUMBER,
} from '../disk-records.ts';
import { storedSize } from './records/disk-record.ts';

/** The records of an APPEND, as offsets in the ring. */
export interface AppendRequest {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** The due time of each record, in Unix ms, 0 for none. */
  readonly dueTimes: readonly number[] | undefined;
  /** Whether the pump waits until they are on stable storage. */
  readonly isSynced: boolean;
}

/** Parses the front request, an APPEND. */
export function appendOf(requests: RingReader): AppendRequest {
  const { words, offset, length } = requests;
  const at = offset >>> 2;
  const count = words[at + APPEND_COUNT];
  const start = offset + APPEND_WORDS * 4;
  const end = offset + length;
  const flags = words[at + APPEND_FLAGS];
  const isSynced = (flags & APPEND_IS_SYNCED) !== 0;
  if ((flags & APPEND_HAS_DUE) === 0) return { start, end, count, dueTimes: undefined, isSynced };
  const dueAt = (end >>> 2) - count * DUE_WORDS;
  const dueTimes: number[] = [];
  for (let due = dueAt; due < end >>> 2; due += DUE_WORDS) {
    dueTimes.push(words[due] * 2 ** 32 + words[due + 1]);
  }
  const recordsAt = recordsEnd(requests.bytes, start, dueAt * 4, count);
  return { start, end: recordsAt, count, dueTimes, isSynced };
}

/** The contents of a REREAD. */
export interface RereadRequest {
  readonly bytes: number;
  readonly numbers: readonly number[];
}

/** Parses the front request, a REREAD. */
export function rereadOf(requests: RingReader): RereadRequest {
  const numbers: number[] = [];
  forEachRun(requests, REREAD_RUNS, (first, count) => {
    for (let index = 0; index < count; index++) numbers.push((first + index) >>> 0);
  });
  return { bytes: requests.words[(requests.offset >>> 2) + REREAD_BYTES], numbers };
}

/** Calls back for each run in the front request, a FINISH. */
export function forEachFinish(
  requests: RingReader,
  callback: (first: number, count: number) => void,
): void {
  forEachRun(requests, FINISH_RUNS, callback);
}

/** Calls back for each entry in the front request, an UPDATE. */
export function forEachUpdate(
  requests: RingReader,
  callback: (number: number, attempts: number, dueMs: number) => void,
): void {
  const { words, offset, length } = requests;
  const end = (offset + length) >>> 2;
  for (let at = (offset >>> 2) + UPDATE_ENTRIES; at < end; at += UPDATE_ENTRY_WORDS) {
    const dueMs = words[at + UPDATE_DUE] * 2 ** 32 + words[at + UPDATE_DUE + 1];
    callback(words[at + UPDATE_NUMBER], words[at + UPDATE_ATTEMPTS], dueMs);
  }
}

/** Calls back for each run in the front request, starting at this word. */
function forEachRun(
  { words, offset, length }: RingReader,
  start: number,
  callback: (first: number, count: number) => void,
): void {
  const end = (offset + length) >>> 2;
  for (let at = (offset >>> 2) + start; at < end; at += FINISH_RUN_WORDS) {
    callback(words[at], words[at + 1]);
  }
}

/** The end of `count` records; only padding may follow before `limit`. */
function recordsEnd(bytes: Uint8Array, start: number, limit: number, count: number): number {
  let at = start;
  for (let index = 0; index < count && at + 4 <= limit; index++) {
    const size = storedSize(bytes, at);
    // Not a record; the check of the append reports it.
    if (size < 4 || at + size > limit) return limit;
    at += size;
  }
  return at;
}
