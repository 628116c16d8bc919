/**
 * The states of a queue's records that its metadata cannot express: which are finished before older ones, and the
 * attempts and due times of unacked ones. There is one sparse file for each segment with such records.
 *
 * Shape: the state of a record is the slot with the number floor(position / 30): no record is shorter, so no two
 * share one. Slots as in `state-slots.ts`. A state applies only to the record that it was written for, which its
 * checksum identifies: another program may have written the segment since.
 * Units: positions in bytes, due times in Unix ms.
 * Errors: every call throws with the action and the file's name, unless documented otherwise, and may be repeated.
 * When the waiting time for an unusable file is over, the file is set aside and the segment gets a new one. If that
 * fails too, the segment has no states. Both are logged.
 * Thread: disk.
 */

import { rethrowBug } from '../../../shared/assert.ts';
import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { probeOutside } from '../files/disk-probe.ts';
import { type SharedBlock, STATE_BLOCK_BYTES } from '../files/disk-scratch.ts';
import { errorWithCauses } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import { keptAs, type SidecarUse } from '../files/sidecar-patience.ts';
import type { QueueContext } from '../queue-context.ts';
import { RECORD_BYTES_MIN } from '../records/disk-record.ts';
import { StateDirectory } from './state-directory.ts';
import { StateList } from './state-list.ts';
import {
  SLOT_BYTES,
  STATE_FINISHED,
  slotAttempts,
  slotChecksum,
  slotDueMs,
  slotOffset,
  slotState,
} from './state-slots.ts';

/** The states of a part of a segment, whether or not they apply to its current records. */
export interface StateCount {
  readonly finished: number;
  readonly deferred: number;
  /** The last position where a finished record may begin; -1 if there is none. */
  readonly lastFinished: number;
}

/** Slots further apart than this are written separately, to avoid writing the bytes between them. */
const GAP_BYTES_MAX = 4096;

export class RecordStates {
  /** The result of the last `find`. */
  state = 0;
  attempts = 0;
  dueMs = 0;
  checksum = 0;

  readonly #source: QueueContext;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  /** A piece of the file of `#blockSegment`, while this queue is its owner. */
  readonly #block: SharedBlock;
  #blockSegment = 0;
  #blockStart = 0;
  #blockLength = 0;
  /** Segments that have states; undefined if there were never any. */
  #segments: Set<number> | undefined;
  /** Segments with states that may not be durable. */
  readonly #unsynced = new Set<number>();
  /** Segments whose last sync of states failed: the system may treat them as durable now. */
  readonly #doubtful = new Set<number>();
  /** Segments whose states can neither be used nor set aside. */
  readonly #without = new Set<number>();
  readonly #directory: StateDirectory;
  /** Whether a failure to make states durable has been logged. */
  #hasToldOfSync = false;

  constructor(source: QueueContext) {
    this.#source = source;
    this.#openFiles = source.openFiles;
    this.#files = source.files;
    this.#block = source.openFiles.scratch.states;
    this.#segments = this.#listed();
    // The process that wrote them may have been killed before a sync.
    for (const segment of this.segments) this.#unsynced.add(segment);
    this.#directory = new StateDirectory(source, this.#unsynced.size > 0);
  }

  /** Segments that have states. */
  get segments(): Iterable<number> {
    return this.#segments ?? [];
  }

  /** Whether no segment has states. */
  get isEmpty(): boolean {
    return this.#segments === undefined || this.#segments.size === 0;
  }

  has(segment: number): boolean {
    return this.#segments?.has(segment) ?? false;
  }

  /** Looks up the state of the record at this place. Returns whether there is one, and sets the fields. */
  find(segment: number, position: number): boolean {
    if (!this.has(segment)) return false;
    const at = this.#slotInBlock(segment, slotOffset(position));
    if (at < 0) return false;
    this.state = slotState(this.#block.bytes, at);
    if (this.state === 0) return false;
    this.attempts = slotAttempts(this.#block.bytes, at);
    this.dueMs = slotDueMs(this.#block.bytes, at);
    this.checksum = slotChecksum(this.#block.bytes, at);
    return true;
  }

  /** Counts the states from one position of a segment up to another. */
  count(segment: number, from: number, to: number): StateCount {
    let finished = 0;
    let deferred = 0;
    let last = -1;
    const end = to === Number.POSITIVE_INFINITY ? to : slotOffset(to + RECORD_BYTES_MIN - 1);
    for (let offset = slotOffset(from); offset < end; ) {
      const at = this.#slotInBlock(segment, offset);
      if (at < 0) break;
      const length = Math.min(
        this.#blockLength - (this.#blockLength % SLOT_BYTES),
        at + end - offset,
      );
      for (let slot = at; slot < length; slot += SLOT_BYTES) {
        // Most slots are empty.
        if (this.#block.bytes[slot] === 0) continue;
        const state = slotState(this.#block.bytes, slot);
        if (state === STATE_FINISHED) {
          finished++;
          last = offset + slot - at;
        } else if (state !== 0 && slotDueMs(this.#block.bytes, slot) > 0) deferred++;
      }
      offset += length - at;
    }
    const lastFinished = last < 0 ? -1 : (last / SLOT_BYTES + 1) * RECORD_BYTES_MIN - 1;
    return { finished, deferred, lastFinished };
  }

  /** An empty list to fill and to `write` at once: the next call, for any queue of the thread, returns the same one. */
  startList(): StateList {
    return this.#openFiles.scratch.shared(StateList).clear();
  }

  /** Writes states, with one call for each group of nearby slots. */
  write(segment: number, list: StateList): void {
    if (list.positions.length === 0 || this.#without.has(segment)) return;
    try {
      this.#writeList(segment, list);
      this.#source.patience.onUsed('write', this.#files.states(segment));
    } catch (error) {
      this.#abandon('write', segment, error);
      if (!this.#without.has(segment)) this.#writeAnew(segment, list);
    }
  }

  /** Starts a new file after one was set aside. If that fails too, the segment has no states. */
  #writeAnew(segment: number, list: StateList): void {
    try {
      this.#writeList(segment, list);
    } catch (error) {
      rethrowBug(error);
      this.#without.add(segment);
    }
  }

  #writeList(segment: number, list: StateList): void {
    this.#create(segment);
    this.#unsynced.add(segment);
    this.#block.owner = undefined;
    const { positions } = list;
    let first = 0;
    for (let next = 1; next <= positions.length; next++) {
      if (next < positions.length && isNear(positions[first], positions[next - 1], positions[next]))
        continue;
      this.#writeGroup(segment, list, first, next);
      first = next;
    }
  }

  /** Makes the next sync write all states again that it syncs: a sync of an earlier process may have failed. */
  distrust(): void {
    for (const segment of this.#unsynced) this.#doubtful.add(segment);
  }

  /** Removes the states of records from this position on, which no longer exist. */
  cut(segment: number, position: number): void {
    if (!this.has(segment)) return;
    try {
      const path = this.#files.states(segment);
      const size = this.#openFiles.size(path);
      if (size === 'missing' || size <= slotOffset(position)) return;
      this.#block.owner = undefined;
      this.#unsynced.add(segment);
      this.#openFiles.truncate(path, slotOffset(position));
    } catch (error) {
      this.#abandon('write', segment, error);
    }
  }

  /** Makes all states durable. Errors: as above, during the waiting time. */
  sync(): void {
    let isDurable = true;
    for (const segment of this.#unsynced) {
      if (!this.#trySync(this.#files.states(segment), () => this.#sync(segment))) isDurable = false;
    }
    if (!this.#trySync(this.#directory.path, () => this.#directory.sync())) isDurable = false;
    if (isDurable) this.#hasToldOfSync = false;
  }

  /** Removes a segment's states. Errors: logged, since they do no harm without their segment. */
  remove(segment: number): void {
    if (!this.has(segment) && !this.#without.delete(segment)) return;
    this.#block.owner = undefined;
    this.#unsynced.delete(segment);
    this.#doubtful.delete(segment);
    this.#source.patience.forget(this.#files.states(segment));
    try {
      this.#openFiles.remove(this.#files.states(segment));
      this.#segments?.delete(segment);
    } catch (error) {
      this.#source.log(
        LOG_WARNING,
        `failed to remove the states of segment ${segment} - ${errorWithCauses(error)}`,
      );
    }
  }

  /** The offset of a slot in the block, which is read if necessary; -1 if the file ends before the slot. */
  #slotInBlock(segment: number, offset: number): number {
    // Nothing needs to be read after the known end of the file: most segments have few states.
    const blockEnd =
      this.#blockStart +
      (this.#blockLength < STATE_BLOCK_BYTES ? Number.POSITIVE_INFINITY : this.#blockLength);
    const isHere =
      this.#block.owner === this &&
      this.#blockSegment === segment &&
      offset >= this.#blockStart &&
      offset + SLOT_BYTES <= blockEnd;
    if (!isHere) this.#readBlock(segment, offset);
    const at = offset - this.#blockStart;
    return at + SLOT_BYTES <= this.#blockLength ? at : -1;
  }

  #readBlock(segment: number, offset: number): void {
    this.#block.owner = undefined;
    const length = this.#readFrom(segment, offset);
    this.#block.owner = this;
    this.#blockSegment = segment;
    this.#blockStart = offset;
    this.#blockLength = length === 'missing' ? 0 : length;
  }

  #readFrom(segment: number, offset: number): number | 'missing' {
    const path = this.#files.states(segment);
    try {
      const length = this.#openFiles.read(path, this.#block.bytes, 0, STATE_BLOCK_BYTES, offset);
      this.#source.patience.onUsed('read', path);
      return length;
    } catch (error) {
      this.#abandon('read', segment, error);
      return 'missing';
    }
  }

  #writeGroup(segment: number, list: StateList, first: number, end: number): void {
    const path = this.#files.states(segment);
    const { draft } = this.#openFiles.scratch;
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
    const path = this.#files.states(segment);
    if (this.has(segment) && this.#openFiles.canWrite(path)) return;
    this.#directory.make();
    this.#directory.onNewName();
    if (!this.#openFiles.create(path)) this.#replace(path);
    if (this.#segments === undefined) {
      this.#segments = new Set();
      this.#source.index.setStates(this.#source.queueName, this.#segments);
    }
    this.#segments.add(segment);
  }

  /** Replaces a file that was not listed: unless listing failed, it does not belong to this segment. */
  #replace(path: string): void {
    const { index, patience } = this.#source;
    const aside = index.isComplete ? undefined : patience.setAside(this.#openFiles, path);
    if (aside === undefined) this.#openFiles.truncate(path, 0);
    else if (!this.#openFiles.create(path)) throw new Error(`"${path}" was renamed and is there`);
  }

  /** Errors: throws for some time if the sidecars cannot be listed. */
  #listed(): Set<number> | undefined {
    const { index, files, queueName, patience, fileSystem, dataPath } = this.#source;
    const path = files.sidecarDirectory;
    try {
      return index.states(queueName);
    } catch (error) {
      if (!patience.isOver('read', path, error, () => fileSystem.list(dataPath))) throw error;
      index.skipSidecars();
      this.#source.log(
        LOG_ERROR,
        `continuing without the due times and attempts in "${path}" - ${errorWithCauses(error)}`,
      );
      return undefined;
    }
  }

  /** Continues without a segment's states if the waiting time is over. Errors: throws `error` otherwise. */
  #abandon(use: SidecarUse, segment: number, error: unknown): void {
    const { patience } = this.#source;
    const path = this.#files.states(segment);
    const probe = (): unknown => this.#probe(use, segment);
    if (!patience.isOver(use, path, error, probe)) throw error;
    this.#block.owner = undefined;
    this.#segments?.delete(segment);
    this.#unsynced.delete(segment);
    this.#doubtful.delete(segment);
    const aside = patience.setAside(this.#openFiles, path);
    if (aside === undefined) this.#without.add(segment);
    else this.#directory.onNewName();
    this.#source.log(
      LOG_ERROR,
      `segment ${segment}: continuing without the due times and attempts written so far, ` +
        `finished records may be redelivered; ${keptAs(aside)} - ${errorWithCauses(error)}`,
    );
  }

  /** Uses another file on the disk in the same way. Errors: throws if that fails. */
  #probe(use: SidecarUse, segment: number): void {
    const { fileSystem, dataPath } = this.#source;
    const { draft } = this.#openFiles.scratch;
    if (use === 'read') this.#openFiles.read(this.#files.segment(segment), draft, 0, 1, 0);
    else probeOutside(fileSystem, dataPath);
  }

  /**
   * Returns whether it has succeeded. Errors: thrown during the waiting time, then logged; the next sync tries again.
   */
  #trySync(path: string, sync: () => void): boolean {
    try {
      sync();
      this.#source.patience.onUsed('sync', path);
      return true;
    } catch (error) {
      const probe = (): void => this.#probe('sync', 0);
      if (!this.#source.patience.isOver('sync', path, error, probe)) throw error;
      if (!this.#hasToldOfSync) {
        const reason = errorWithCauses(error);
        this.#source.log(LOG_ERROR, `due times and attempts are not durable - ${reason}`);
      }
      this.#hasToldOfSync = true;
      return false;
    }
  }

  #sync(segment: number): void {
    const path = this.#files.states(segment);
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

  /** After a failed sync the system syncs only bytes that are written again. Holes stay holes. */
  #writeAgain(path: string): void {
    const { draft } = this.#openFiles.scratch;
    for (let offset = 0; ; offset += STATE_BLOCK_BYTES) {
      const length = this.#openFiles.read(path, draft, 0, STATE_BLOCK_BYTES, offset);
      if (length === 'missing' || length === 0) return;
      const isHole = draft.subarray(0, length).every((byte) => byte === 0);
      if (!isHole) this.#openFiles.write(path, draft, 0, length, offset);
    }
  }
}

/** Whether a slot is close enough to a group to be written with the same call. */
function isNear(first: number, last: number, next: number): boolean {
  return (
    slotOffset(next) - slotOffset(last) <= GAP_BYTES_MAX &&
    slotOffset(next) + SLOT_BYTES - slotOffset(first) <= STATE_BLOCK_BYTES
  );
}
