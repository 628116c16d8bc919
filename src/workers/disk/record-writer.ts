/**
 * Appends records to a queue together with their states: all or nothing. A deferred record must not be on disk
 * without its due time, so its state is written first; a state without its record does no harm.
 *
 * Thread: disk.
 */

import { type DiskLog, LOG_WARNING } from './files/disk-log.ts';
import { errorWithCauses, fileError } from './files/file-error.ts';
import type { CommitSafety, Safekeeping } from './journal/group-commit.ts';
import {
  dataViewOf,
  RECORD_ATTEMPTS_OFFSET,
  recordChecksum,
  storedSize,
} from './records/disk-record.ts';
import type { SegmentWriter, WrittenRun } from './segments/segment-writer.ts';
import type { RecordStates } from './states/record-states.ts';
import type { StateList } from './states/state-list.ts';

/** The result of an append. */
export interface RecordAppend {
  readonly runs: readonly WrittenRun[];
  /** How many of the records have a due time. */
  readonly deferred: number;
  /** Whether an unknown segment existed; its records precede those that were written. */
  readonly hasMetOthers: boolean;
}

/** When states become durable: moved records are on disk already, and must not be there twice with different states. */
type Durability = 'with the next sync' | 'states before records';

export class RecordWriter {
  readonly #writer: SegmentWriter;
  readonly #states: RecordStates;
  readonly #log: DiskLog;
  /** Runs of a failed append whose states must be undone after their records. */
  #undone: WrittenRun[] = [];

  constructor(writer: SegmentWriter, states: RecordStates, log: DiskLog) {
    this.#writer = writer;
    this.#states = states;
    this.#log = log;
  }

  /**
   * Appends whole records of valid sizes from `start` to `end`. Units: `dueTimes` in Unix ms, one for each record, 0
   * for at once. Errors: throws, and nothing is kept.
   */
  append(
    bytes: Uint8Array,
    start: number,
    end: number,
    dueTimes: ArrayLike<number> | undefined,
  ): RecordAppend {
    return this.#append(bytes, start, end, dueTimes, 'with the next sync');
  }

  /** As `append`, for records that are on disk already: their states are durable before they are there. */
  appendMoved(bytes: Uint8Array, end: number, dueTimes: ArrayLike<number>): RecordAppend {
    return this.#append(bytes, 0, end, dueTimes, 'states before records');
  }

  /** Removes the remains of a failed append. Errors: throws; then it must be called again. */
  tidy(): void {
    this.#writer.tidy();
    for (const { segment, position } of this.#undone) this.#states.cut(segment, position);
    this.#undone = [];
  }

  /** As `tidy`, if that succeeds now. */
  tryTidy(): void {
    try {
      this.tidy();
    } catch (error) {
      const text = errorWithCauses(error);
      this.#log(LOG_WARNING, `failed to undo an append, trying again later - ${text}`);
    }
  }

  /** All records and states have been removed. */
  restart(): void {
    this.#undone = [];
  }

  #append(
    bytes: Uint8Array,
    start: number,
    end: number,
    dueTimes: ArrayLike<number> | undefined,
    durability: Durability,
  ): RecordAppend {
    this.tidy();
    const runs: WrittenRun[] = [];
    let index = 0;
    let deferred = 0;
    try {
      const hasMetOthers = this.#writer.append(bytes, start, end, (run) => {
        runs.push(run);
        // States with this number belong to another segment.
        if (run.position === 0) this.#states.remove(run.segment);
        if (dueTimes === undefined) return;
        const list = this.#states.startList();
        index += listDeferred(bytes, run, dueTimes, index, list);
        deferred += list.positions.length;
        this.#states.write(run.segment, list);
        if (durability === 'states before records') this.#states.sync();
      });
      return { runs, deferred, hasMetOthers };
    } catch (error) {
      this.#undone = runs;
      if (!this.#writer.mustTidy) this.tryTidy();
      throw error;
    }
  }
}

/** Lists the states of a run's records that have due times, from index `first` on; returns how many records it has. */
function listDeferred(
  bytes: Uint8Array,
  run: WrittenRun,
  dueTimes: ArrayLike<number>,
  first: number,
  list: StateList,
): number {
  let index = first;
  for (let at = run.start; at < run.end; index++) {
    const size = storedSize(bytes, at);
    if (dueTimes[index] > 0) {
      const attempts =
        (bytes[at + RECORD_ATTEMPTS_OFFSET] << 8) | bytes[at + RECORD_ATTEMPTS_OFFSET + 1];
      const checksum = recordChecksum(bytes, dataViewOf(bytes), at, at + size);
      list.addUnacked(run.position + (at - run.start), attempts, dueTimes[index], checksum);
    }
    at += size;
  }
  return index - first;
}

/** The parts of a queue that write. */
export interface SafetyParts {
  readonly queueName: string;
  readonly writer: SegmentWriter;
  readonly recordWriter: RecordWriter;
  readonly states: RecordStates;
}

/** Tracks which records of a queue a power loss may take, for group commit. */
export class RecordSafety implements CommitSafety {
  readonly #parts: SafetyParts;
  #hasLooseRecords: boolean;
  #hasLooseStates = false;

  constructor(parts: SafetyParts, hasLooseRecords: boolean) {
    this.#parts = parts;
    this.#hasLooseRecords = hasLooseRecords;
  }

  get hasLooseRecords(): boolean {
    return this.#hasLooseRecords;
  }

  get hasNewNames(): boolean {
    return this.#parts.writer.hasNewNames;
  }

  onNamesSynced(): void {
    this.#parts.writer.onNamesSynced();
  }

  /** Records were written. */
  onAppend(safekeeping: Safekeeping): void {
    if (safekeeping === 'next sync') this.loosen();
  }

  loosen(): void {
    this.#hasLooseRecords = true;
    this.#hasLooseStates = true;
  }

  /** All segments are durable, but states may not be. */
  onSegmentsSynced(): void {
    this.#hasLooseRecords = false;
  }

  /** States are durable too, or all records are gone. */
  onSynced(): void {
    this.#hasLooseRecords = false;
    this.#hasLooseStates = false;
  }

  syncRecords(): void {
    const { queueName, writer, recordWriter, states } = this.#parts;
    try {
      recordWriter.tidy();
      if (this.#hasLooseStates) states.sync();
      this.#hasLooseStates = false;
      writer.sync();
      this.#hasLooseRecords = false;
    } catch (cause) {
      throw fileError('sync queue', queueName, cause);
    }
  }
}
