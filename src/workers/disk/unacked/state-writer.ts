/**
 * Writes the states of records that were handed out. The attempts and due times of unacked records are written at once.
 * A sync writes which records are finished behind unacked ones.
 *
 * Bound: states that cannot be written are kept until a sync or the queue's end, one for each record.
 * Thread: disk.
 */

import { type DiskLog, LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses } from '../files/file-error.ts';
import type { QueuePlace } from '../files/queue-place.ts';
import type { RecordStates } from '../states/record-states.ts';
import type { UnackedRecords } from './unacked-records.ts';

/**
 * Whether a sync fails if states cannot be written. At shutdown they are optional, since records do not depend on
 * them.
 */
export type StatesAtSync = 'required' | 'optional';

/** The state of an unacked record. */
interface RecordState {
  readonly attempts: number;
  readonly dueMs: number;
}

export class StateWriter {
  readonly #states: RecordStates;
  readonly #unacked: UnackedRecords;
  readonly #log: DiskLog;
  /** States that could not be written yet, by the numbers of their records. */
  readonly #failed = new Map<number, RecordState>();

  constructor(states: RecordStates, unacked: UnackedRecords, log: DiskLog) {
    this.#states = states;
    this.#unacked = unacked;
    this.#log = log;
  }

  /** Writes the state of an unacked record. Errors: logged; the next sync tries again. */
  update(number: number, attempts: number, dueMs: number): void {
    try {
      this.#write(number, attempts, dueMs);
      this.#failed.delete(number);
    } catch (error) {
      const text = errorWithCauses(error);
      if (this.#failed.size === 0) {
        this.#log(
          LOG_WARNING,
          `failed to write the state of a record, trying again later - ${text}`,
        );
      }
      this.#failed.set(number, { attempts, dueMs });
    }
  }

  /** The attempts of a record whose state could not be written yet. */
  unwrittenAttempts(number: number): number | undefined {
    return this.#failed.get(number)?.attempts;
  }

  /**
   * Makes the states of all records after the oldest durable.
   *
   * Errors: throws if states are required, and may be repeated. Otherwise logged: records are then delivered at once,
   * with fewer attempts, and finished ones may be redelivered.
   */
  sync(oldest: QueuePlace, states: StatesAtSync): void {
    try {
      this.#writeAll(oldest);
      this.#states.sync();
    } catch (error) {
      if (states === 'required') throw error;
      this.#log(LOG_ERROR, `due times and attempts are not all kept - ${errorWithCauses(error)}`);
    }
  }

  /** All records have been removed. */
  clear(): void {
    this.#failed.clear();
  }

  /** Writes the states that are still only in memory. */
  #writeAll(oldest: QueuePlace): void {
    for (const [number, { attempts, dueMs }] of this.#failed) {
      this.#write(number, attempts, dueMs);
      this.#failed.delete(number);
    }
    for (const segment of this.#unacked.unwrittenSegments(oldest)) {
      const inPlace = this.#states.startList();
      this.#unacked.listUnwritten(segment, oldest, inPlace);
      this.#states.write(segment, inPlace);
      const moved = this.#states.startList();
      this.#unacked.listUnwrittenMoved(segment, oldest, moved);
      this.#states.write(segment, moved);
    }
    this.#unacked.onStatesWritten();
  }

  #write(number: number, attempts: number, dueMs: number): void {
    const record = this.#unacked.get(number);
    if (record === undefined) return;
    const list = this.#states.startList();
    list.addUnacked(record.position, attempts, dueMs, record.checksum);
    this.#states.write(record.segment, list);
  }
}
