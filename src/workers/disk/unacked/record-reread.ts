/**
 * Hands out unacked records again that the pump has evicted, because they had to wait for long and memory was full.
 *
 * Thread: disk.
 */

import type { QueueContext } from '../queue-context.ts';
import { RECORD_ATTEMPTS_OFFSET } from '../records/disk-record.ts';
import type { RecordStates } from '../states/record-states.ts';
import { readUnacked } from './read-unacked.ts';
import type { StateWriter } from './state-writer.ts';
import type { UnackedRecord, UnackedRecords } from './unacked-records.ts';

/** A record to read, and its number at the pump. */
interface PlannedRecord {
  readonly number: number;
  readonly record: UnackedRecord;
}

/** The records to read, how many of the numbers that covers, including lost ones, and how much room they take. */
export interface RereadPlan {
  readonly records: readonly PlannedRecord[];
  readonly covered: number;
  readonly bytes: number;
}

/** The result: the bytes, and the numbers of the records. */
export interface RereadBatch {
  readonly bytes: number;
  readonly covered: number;
  readonly numbers: readonly number[];
}

export class RecordReread {
  readonly #source: QueueContext;
  readonly #states: RecordStates;
  readonly #stateWriter: StateWriter;
  readonly #unacked: UnackedRecords;

  constructor(
    source: QueueContext,
    states: RecordStates,
    stateWriter: StateWriter,
    unacked: UnackedRecords,
  ) {
    this.#source = source;
    this.#states = states;
    this.#stateWriter = stateWriter;
    this.#unacked = unacked;
  }

  /** Finds the records with these numbers, as many as fit into `bytesWanted`, but at least one. */
  plan(numbers: readonly number[], bytesWanted: number): RereadPlan {
    const records: PlannedRecord[] = [];
    let covered = 0;
    let bytes = 0;
    for (const number of numbers) {
      const record = this.#unacked.get(number);
      if (record !== undefined) {
        if (bytes > 0 && bytes + record.sizeBytes > bytesWanted) break;
        records.push({ number, record });
        bytes += record.sizeBytes;
      }
      covered++;
    }
    return { records, covered, bytes };
  }

  /**
   * Reads the planned records, with the attempts of their states. Damaged ones are left out.
   *
   * Shape: disk records, one after the other.
   * Errors: throws if a segment or its states cannot be read.
   */
  read({ records, covered }: RereadPlan, target: Uint8Array, offset: number): RereadBatch {
    const numbers: number[] = [];
    let bytes = 0;
    for (const { number, record } of records) {
      const at = offset + bytes;
      if (readUnacked(this.#source, this.#states, record, target, at) === 'damaged') continue;
      this.#setAttempts(number, target, at);
      numbers.push(number);
      bytes += record.sizeBytes;
    }
    return { bytes, covered, numbers };
  }

  /** A state that could not be written is still in memory. */
  #setAttempts(number: number, target: Uint8Array, at: number): void {
    const attempts = this.#stateWriter.unwrittenAttempts(number);
    if (attempts === undefined) return;
    target[at + RECORD_ATTEMPTS_OFFSET] = attempts >>> 8;
    target[at + RECORD_ATTEMPTS_OFFSET + 1] = attempts & 0xff;
  }
}
