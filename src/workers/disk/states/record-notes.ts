/**
 * What became of a queue's records, as far as its metadata cannot say: which are finished before older ones are, and
 * how often and until when others wait. One sparse file for each segment that has such records, none for others.
 *
 * Shape: the note of a record is the slot with the number floor(position / 30): no record is shorter, so no two share
 * one. Slots as in `note-slots.ts`. A note counts only for the very record it was written for, which its checksum
 * tells: somebody else may have written the segment since.
 * Units: positions in bytes, due times in Unix ms.
 * Errors: every call throws with the action and the file's name, unless it says otherwise, and may be repeated.
 * Thread: disk.
 */

import { LOG_WARNING } from '../files/disk-log.ts';
import { errorText, fileError } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import type { QueueContext } from '../queue-context.ts';
import { RECORD_BYTES_MIN } from '../records/disk-record.ts';
import type { NoteList } from './note-list.ts';
import {
  NOTE_FINISHED,
  SLOT_BYTES,
  slotAttempts,
  slotChecksum,
  slotDueMs,
  slotState,
} from './note-slots.ts';

/** What notes say of a part of a segment, whether or not its records are those they were written for. */
export interface NoteCount {
  readonly finished: number;
  readonly deferred: number;
  /** The last place at which the last of the finished records may begin; -1 if there is none. */
  readonly lastFinished: number;
}

const BLOCK_BYTES = 64 * 1024;
/** Slots further apart than that are written by themselves: what lies between would be written too. */
const GAP_BYTES_MAX = 4096;

/** A piece of a file as it was read last, and of which one. One for the thread: it is never interrupted. */
const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
let blockOwner: RecordNotes | undefined;
let blockSegment = 0;
let blockStart = 0;
let blockLength = 0;

/** Room to put a write together. */
const draft = Buffer.allocUnsafeSlow(BLOCK_BYTES);

export class RecordNotes {
  /** What the last note says that `find` has found. */
  state = 0;
  attempts = 0;
  dueMs = 0;
  checksum = 0;

  readonly #source: QueueContext;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  /** Segments that have notes, undefined if there never was any. */
  #segments: Set<number> | undefined;
  /** Segments with notes that may not be durable. */
  readonly #unsynced = new Set<number>();
  /** Those of them for which a sync has failed: the system may take them for durable now. */
  readonly #doubtful = new Set<number>();
  #hasNewNames: boolean;
  /** Whether the directory of the sidecars may be one that is not durable. */
  #isDirectoryNew = true;

  constructor(source: QueueContext) {
    this.#source = source;
    this.#openFiles = source.openFiles;
    this.#files = source.files;
    this.#segments = source.index.notes(source.queueName);
    // Whoever wrote them may have been killed before a sync.
    for (const segment of this.segments) this.#unsynced.add(segment);
    this.#hasNewNames = this.#unsynced.size > 0;
  }

  /** Segments that have notes. */
  get segments(): Iterable<number> {
    return this.#segments ?? [];
  }

  /** Whether no segment has notes. */
  get isEmpty(): boolean {
    return this.#segments === undefined || this.#segments.size === 0;
  }

  has(segment: number): boolean {
    return this.#segments?.has(segment) ?? false;
  }

  /** Looks for a note on the record at this place. Returns whether there is one; the fields then say what. */
  find(segment: number, position: number): boolean {
    if (!this.has(segment)) return false;
    const at = this.#slotInBlock(segment, slotOffset(position));
    if (at < 0) return false;
    this.state = slotState(block, at);
    if (this.state === 0) return false;
    this.attempts = slotAttempts(block, at);
    this.dueMs = slotDueMs(block, at);
    this.checksum = slotChecksum(block, at);
    return true;
  }

  /** Counts the notes from one position of a segment up to another. */
  count(segment: number, from: number, to: number): NoteCount {
    let finished = 0;
    let deferred = 0;
    let last = -1;
    const end = to === Number.POSITIVE_INFINITY ? to : slotOffset(to + RECORD_BYTES_MIN - 1);
    for (let offset = slotOffset(from); offset < end; ) {
      const at = this.#slotInBlock(segment, offset);
      if (at < 0) break;
      const length = Math.min(blockLength - (blockLength % SLOT_BYTES), at + end - offset);
      for (let slot = at; slot < length; slot += SLOT_BYTES) {
        // Most are empty.
        if (block[slot] === 0) continue;
        const state = slotState(block, slot);
        if (state === NOTE_FINISHED) {
          finished++;
          last = offset + slot - at;
        } else if (state !== 0 && slotDueMs(block, slot) > 0) deferred++;
      }
      offset += length - at;
    }
    const lastFinished = last < 0 ? -1 : (last / SLOT_BYTES + 1) * RECORD_BYTES_MIN - 1;
    return { finished, deferred, lastFinished };
  }

  /** Writes notes, with a call for each group of slots that lie near each other. */
  write(segment: number, list: NoteList): void {
    if (list.positions.length === 0) return;
    this.#create(segment);
    this.#unsynced.add(segment);
    blockOwner = undefined;
    const { positions } = list;
    let first = 0;
    for (let next = 1; next <= positions.length; next++) {
      if (next < positions.length && isNear(positions[first], positions[next - 1], positions[next]))
        continue;
      this.#writeGroup(segment, list, first, next);
      first = next;
    }
  }

  /** Cuts off the notes on records from this position on: there are none any more. */
  cut(segment: number, position: number): void {
    if (!this.has(segment)) return;
    const path = this.#files.notes(segment);
    const size = this.#openFiles.size(path);
    if (size === 'missing' || size <= slotOffset(position)) return;
    blockOwner = undefined;
    this.#unsynced.add(segment);
    this.#openFiles.truncate(path, slotOffset(position));
  }

  /** Makes all notes durable. */
  sync(): void {
    for (const segment of this.#unsynced) this.#sync(segment);
    if (!this.#hasNewNames) return;
    this.#syncDirectory(this.#files.sidecarDirectory);
    if (this.#isDirectoryNew) this.#syncDirectory(this.#source.dataPath);
    this.#isDirectoryNew = false;
    this.#hasNewNames = false;
  }

  /** Removes a segment's notes. Errors: logged, as they do no harm without their segment. */
  remove(segment: number): void {
    if (!this.has(segment)) return;
    blockOwner = undefined;
    this.#unsynced.delete(segment);
    this.#doubtful.delete(segment);
    try {
      this.#openFiles.remove(this.#files.notes(segment));
      this.#segments?.delete(segment);
    } catch (error) {
      this.#warn(`failed to remove the notes of segment ${segment} - ${errorText(error)}`);
    }
  }

  /** Offset of a slot in the block, read if need be; -1 if the file does not reach there. */
  #slotInBlock(segment: number, offset: number): number {
    // Behind the end of a file that was read up to its end there is nothing to read: most segments have few notes.
    const blockEnd =
      blockStart + (blockLength < BLOCK_BYTES ? Number.POSITIVE_INFINITY : blockLength);
    const isHere =
      blockOwner === this &&
      blockSegment === segment &&
      offset >= blockStart &&
      offset + SLOT_BYTES <= blockEnd;
    if (!isHere) this.#readBlock(segment, offset);
    const at = offset - blockStart;
    return at + SLOT_BYTES <= blockLength ? at : -1;
  }

  #readBlock(segment: number, offset: number): void {
    blockOwner = undefined;
    const length = this.#openFiles.read(this.#files.notes(segment), block, 0, BLOCK_BYTES, offset);
    blockOwner = this;
    blockSegment = segment;
    blockStart = offset;
    blockLength = length === 'missing' ? 0 : length;
  }

  #writeGroup(segment: number, list: NoteList, first: number, end: number): void {
    const path = this.#files.notes(segment);
    const start = slotOffset(list.positions[first]);
    const length = slotOffset(list.positions[end - 1]) + SLOT_BYTES - start;
    if (end > first + 1) {
      // Slots between them may be in use.
      const got = this.#openFiles.read(path, draft, 0, length, start);
      draft.fill(0, got === 'missing' ? 0 : got, length);
    }
    for (let index = first; index < end; index++) {
      list.write(index, draft, slotOffset(list.positions[index]) - start);
    }
    this.#openFiles.write(path, draft, 0, length, start);
  }

  #create(segment: number): void {
    const path = this.#files.notes(segment);
    if (this.has(segment) && this.#openFiles.canWrite(path)) return;
    this.#makeDirectory();
    this.#hasNewNames = true;
    // Nobody has listed it, so it is not of this segment.
    if (!this.#openFiles.create(path)) this.#openFiles.truncate(path, 0);
    if (this.#segments === undefined) {
      this.#segments = new Set();
      this.#source.index.setNotes(this.#source.queueName, this.#segments);
    }
    this.#segments.add(segment);
  }

  #makeDirectory(): void {
    try {
      this.#source.fileSystem.makeDirectory(this.#files.sidecarDirectory);
    } catch (cause) {
      throw fileError('create directory', this.#files.sidecarDirectory, cause);
    }
  }

  #sync(segment: number): void {
    const path = this.#files.notes(segment);
    try {
      if (this.#doubtful.has(segment)) this.#writeAgain(path);
      this.#openFiles.sync(path);
    } catch (error) {
      this.#doubtful.add(segment);
      throw error;
    }
    this.#doubtful.delete(segment);
    this.#unsynced.delete(segment);
  }

  /** After a failed sync only what is written again is tried again. */
  #writeAgain(path: string): void {
    for (let offset = 0; ; offset += BLOCK_BYTES) {
      const length = this.#openFiles.read(path, draft, 0, BLOCK_BYTES, offset);
      if (length === 'missing' || length === 0) return;
      this.#openFiles.write(path, draft, 0, length, offset);
    }
  }

  #syncDirectory(path: string): void {
    try {
      this.#source.fileSystem.syncDirectory(path);
    } catch (cause) {
      throw fileError('sync directory', path, cause);
    }
  }

  #warn(text: string): void {
    this.#source.log(LOG_WARNING, text);
  }
}

/** Where a record's slot lies in its file. */
function slotOffset(position: number): number {
  return Math.floor(position / RECORD_BYTES_MIN) * SLOT_BYTES;
}

/** Whether a slot belongs to a group of slots that is written with one call. */
function isNear(first: number, last: number, next: number): boolean {
  return (
    slotOffset(next) - slotOffset(last) <= GAP_BYTES_MAX &&
    slotOffset(next) + SLOT_BYTES - slotOffset(first) <= BLOCK_BYTES
  );
}
