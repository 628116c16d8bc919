/**
 * Tracks which records of a queue a power loss may take, for group commit.
 *
 * Thread: disk.
 */

import { fileError } from './files/file-error.ts';
import type { CommitSafety, Safekeeping } from './journal/group-commit.ts';
import type { RecordWriter } from './record-writer.ts';
import type { SegmentWriter } from './segments/segment-writer.ts';
import type { RecordStates } from './states/record-states.ts';

/** The parts of a queue that write. */
export interface SafetyParts {
  readonly queueName: string;
  readonly writer: SegmentWriter;
  readonly recordWriter: RecordWriter;
  readonly states: RecordStates;
}

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
