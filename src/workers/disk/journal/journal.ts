/**
 * The journal of a disk thread: records of all its queues in one sequential file, so that one sync makes the writes of
 * many queues durable. The queues' own files have the records, too; `recoverJournals` rewrites those that a power loss
 * takes from there.
 *
 * There are two files. When one is full, the other one is used, as soon as all queues with entries in it were synced in
 * the usual way. Entries are collected first (`stage`), and written and synced with one call each (`write`).
 *
 * An entry is void when the metadata of its queue names a write position after it, when its segment was removed, or
 * when a later entry drops its queue. A removed queue may start again with the same segment numbers, so its entries are
 * dropped before its files are removed.
 *
 * Bound: two files of `fileBytesMax`; what is staged, `STAGED_BYTES_MAX`.
 * Errors: after a failed write the journal takes nothing until the queues with entries in it are synced, its files are
 * removed, and `RETRY_MS` are over.
 * Thread: disk.
 */

import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { sidecarDirectoryOf } from '../files/queue-files.ts';
import {
  ENTRIES_OFFSET,
  type EntrySource,
  entryBytes,
  writeDrop,
  writeRecords,
} from './journal-entry.ts';
import { type JournalBounds, JournalFile } from './journal-file.ts';

/** Bytes that are collected before they must be written. */
const STAGED_BYTES_MAX = 4 * 1024 * 1024;
const STAGED_BYTES_MIN = 64 * 1024;
/** The time from a failed write to the next attempt. Units: ms. */
const RETRY_MS = 1000;

const DEFAULT_BOUNDS: JournalBounds = {
  fileBytesMax: 32 * 1024 * 1024,
  growBytes: 1024 * 1024,
};

/** The dependencies of a journal. */
export interface JournalOptions {
  readonly fileSystem: FileSystem;
  readonly dataPath: string;
  /** Number of the disk thread. */
  readonly thread: number;
  /** The default if not given. */
  readonly journalBounds?: JournalBounds | undefined;
}

export class Journal {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #bounds: JournalBounds;
  /** The file that is written to, and the other one. */
  #current: JournalFile;
  #other: JournalFile;
  #generation = 0;
  #staged: Buffer = Buffer.allocUnsafeSlow(0);
  #stagedBytes = 0;
  /** Queues with records among them that may not be durable in their segments. */
  readonly #stagedNames = new Set<string>();
  #hasFailed = false;
  /** When it may be begun again after a failure. Units: ms, monotonic. */
  #retryMs = 0;

  constructor({ fileSystem, dataPath, thread, journalBounds }: JournalOptions) {
    this.#fileSystem = fileSystem;
    this.#directory = sidecarDirectoryOf(dataPath);
    this.#bounds = journalBounds ?? DEFAULT_BOUNDS;
    const path = join(this.#directory, `journal.${thread}`);
    this.#current = new JournalFile(fileSystem, `${path}.a`, this.#bounds);
    this.#other = new JournalFile(fileSystem, `${path}.b`, this.#bounds);
  }

  /** Bytes of entries that wait for `write`. */
  get stagedBytes(): number {
    return this.#stagedBytes;
  }

  /** Whether a write has failed, and its files are still there. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Queues that must be synced before the other file can be used; all, after a failure. */
  get blocking(): string[] {
    if (!this.#hasFailed) return [...this.#other.live];
    return [...new Set([...this.#other.live, ...this.#current.live])];
  }

  /** Whether it has or is about to get records of a queue that may not be durable in their segments. */
  isLive(queueName: string): boolean {
    return (
      this.#stagedNames.has(queueName) ||
      this.#current.live.has(queueName) ||
      this.#other.live.has(queueName)
    );
  }

  /** Whether a file has or is about to get entries of the queue, void or not. */
  isTouched(queueName: string): boolean {
    return this.#current.touched.has(queueName) || this.#other.touched.has(queueName);
  }

  /** Whether an entry of this many bytes can be staged now. */
  hasRoom(bytes: number): boolean {
    const bytesMax = Math.min(STAGED_BYTES_MAX, this.#current.room);
    return !this.#hasFailed && this.#stagedBytes + bytes <= bytesMax;
  }

  /** Whether an entry of this many bytes fits a file. */
  mayHaveRoom(bytes: number): boolean {
    return bytes <= Math.min(STAGED_BYTES_MAX, this.#bounds.fileBytesMax - ENTRIES_OFFSET);
  }

  /** Collects records that were written to a segment. There is room. */
  stage(queueName: string, entry: EntrySource): void {
    this.#makeRoom(
      entryBytes(Buffer.byteLength(queueName), entry.end - entry.start, entry.dueTimes.length),
    );
    const { generation } = this.#current;
    const at = this.#stagedBytes;
    this.#stagedBytes = writeRecords(this.#staged, at, generation, queueName, entry);
    this.#stagedNames.add(queueName);
    this.#current.touched.add(queueName);
  }

  /** Collects an entry that makes those of a queue void. There is room. */
  stageDrop(queueName: string): void {
    this.#makeRoom(entryBytes(Buffer.byteLength(queueName), 0, 0));
    const { generation } = this.#current;
    this.#stagedBytes = writeDrop(this.#staged, this.#stagedBytes, generation, queueName);
  }

  /** Makes the staged entries durable. Errors: throws, and drops them; see above. */
  write(): void {
    const length = this.#stagedBytes;
    for (const name of this.#stagedNames) this.#current.live.add(name);
    this.#stagedBytes = 0;
    this.#stagedNames.clear();
    try {
      this.#current.write(this.#staged, length);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
    if (this.#staged.length > STAGED_BYTES_MAX / 4) this.#staged = Buffer.allocUnsafeSlow(0);
  }

  /**
   * Continues in the other file. Nothing may be staged or `blocking`. Returns false if it is too early after a failure.
   * Errors: throws; see above. Units: ms, monotonic.
   */
  advance(nowMs: number): boolean {
    try {
      if (nowMs < this.#retryMs) return false;
      if (this.#hasFailed) {
        this.#retryMs = nowMs + RETRY_MS;
        this.remove();
        return false;
      }
      const next = this.#current.generation === 0 ? this.#current : this.#other;
      if (next !== this.#current) [this.#current, this.#other] = [this.#other, this.#current];
      this.#generation++;
      this.#current.begin(this.#generation);
      return true;
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  /** The records of a queue are durable in its segments, or dropped. */
  onSynced(queueName: string): void {
    this.#stagedNames.delete(queueName);
    this.#current.live.delete(queueName);
    this.#other.live.delete(queueName);
  }

  /** Removes its files durably. All entries must be void. Errors: throws; some may still exist. */
  remove(): void {
    const isThere = this.#current.isThere || this.#other.isThere || this.#hasFailed;
    // The current one may make entries of the other void, so it must not go first.
    this.#other.remove();
    if (isThere) this.#fileSystem.syncDirectory(this.#directory);
    this.#current.remove();
    if (isThere) this.#fileSystem.syncDirectory(this.#directory);
    this.#hasFailed = false;
  }

  #makeRoom(bytes: number): void {
    const wanted = this.#stagedBytes + bytes;
    if (wanted <= this.#staged.length) return;
    const staged = Buffer.allocUnsafeSlow(Math.max(STAGED_BYTES_MIN, wanted * 2));
    this.#staged.copy(staged, 0, 0, this.#stagedBytes);
    this.#staged = staged;
  }
}
