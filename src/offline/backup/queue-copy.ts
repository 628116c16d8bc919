/**
 * Copies the files of one disk queue that a broker may be using. The copy has every unfinished record that the queue
 * has, or has had since the copy began.
 *
 * That rests on the rules by which a broker writes: a segment only grows at its end, and is removed only when the
 * metadata no longer names it. A record that moves within its queue is written to the end before it counts as finished
 * at its old place. So the metadata is read first. Then all segments from the oldest that it names are opened, and stay
 * readable when they are removed. The states of the older segments are read before the end of the youngest segment is
 * determined, so that a record that is finished because it was moved is in the copy. The states of the youngest are
 * read after that, because the state of a deferred record is written before the record.
 *
 * A later pass adds later appends. Segments that were created and removed in between leave no gap in the copy, whose
 * numbers are consecutive; a state names its record, not its segment.
 *
 * Bound: the segments of one queue are open at a time. Thread: any; every call blocks.
 */

import { contextOf, type DiskQueueOptions } from '../../workers/disk/disk-queue-options.ts';
import type { FileHandle, FileSystem } from '../../workers/disk/files/file-system.ts';
import { QueueFiles } from '../../workers/disk/files/queue-files.ts';
import type { SegmentIndex } from '../../workers/disk/files/segment-index.ts';
import {
  type QueueMetadata,
  readMetadata,
  writeMetadata,
} from '../../workers/disk/metadata/queue-metadata.ts';
import { recordBytesMax, storedSize } from '../../workers/disk/records/disk-record.ts';
import { countSegment } from '../../workers/disk/segments/segment-span.ts';
import { slotOffset } from '../../workers/disk/states/state-slots.ts';
import { copyFile, copyOpenFile } from './file-copy.ts';

/** The shared parts of all queues of a backup. */
export interface CopySetup {
  readonly fileSystem: FileSystem;
  readonly dataPath: string;
  /** The directory of the copy. */
  readonly target: DiskQueueOptions;
  /** Whether a broker uses the queue meanwhile. */
  readonly isLive: boolean;
  /** Called with the bytes copied so far. */
  readonly onBytes: (count: number) => void;
}

/** Where the next pass continues. */
interface CopyEnd {
  /** The segment and the position in it. */
  readonly segment: number;
  readonly position: number;
  /** Number of the segment in the copy. */
  readonly target: number;
}

/** A segment that stays readable, with its states. */
interface OpenSegment {
  readonly number: number;
  readonly records: FileHandle;
  readonly states: FileHandle | 'missing';
}

/** The outcome of an attempt: `changed` if a needed file was removed, so that its replacement must be copied. */
type Outcome = 'copied' | 'changed';

const TRIES = 100;
/** A broker removes segments only rarely; if one is still missing after this many attempts, it is lost. */
const TRIES_FOR_LOST = 20;
const SIZE_BYTES = 4;

export class QueueCopy {
  readonly #name: string;
  readonly #setup: CopySetup;
  readonly #source: QueueFiles;
  readonly #target: QueueFiles;
  #end: CopyEnd | undefined;
  /** How often a segment named by the metadata was missing. */
  #lostTries = 0;

  constructor(name: string, setup: CopySetup) {
    this.#name = name;
    this.#setup = setup;
    this.#source = new QueueFiles(setup.dataPath, name);
    this.#target = new QueueFiles(setup.target.dataPath, name);
  }

  /** Copies what the copy does not have yet. `index`: lists the existing segments. */
  run(index: SegmentIndex): void {
    const known = index.known(this.#name);
    for (let tries = 1; ; tries++) {
      const outcome = this.#end === undefined ? this.#begin(known) : this.#add(this.#end, known);
      if (outcome === 'copied') return;
      if (tries === TRIES) throw new Error(`the files of ${this.#name} change too fast`);
    }
  }

  #begin(known: readonly number[]): Outcome {
    const metadata = readMetadata(this.#setup.fileSystem, this.#source);
    const start = typeof metadata === 'string' ? (known.at(0) ?? 0) : metadata.readSegment;
    const opened = this.#openFrom(start, known, this.#mustHave(start, metadata));
    if (opened === 'changed') return opened;
    this.#copyMetadata(metadata);
    return this.#copy({ segment: start, position: 0, target: start }, opened, metadata);
  }

  #add(end: CopyEnd, known: readonly number[]): Outcome {
    const opened = this.#openFrom(end.segment, known, end.segment);
    return opened === 'changed' ? opened : this.#copy(end, opened);
  }

  /** The first segment that may be missing: those that a broker's metadata names exist. */
  #mustHave(start: number, metadata: QueueMetadata | 'missing' | 'unusable'): number {
    const mayTrust = this.#setup.isLive && this.#lostTries < TRIES_FOR_LOST;
    if (!mayTrust || typeof metadata === 'string') return start;
    const { readSegment, readPosition, writeSegment, writePosition } = metadata;
    if (readSegment === writeSegment && readPosition === writePosition) return start;
    return writePosition > 0 ? writeSegment + 1 : writeSegment;
  }

  /**
   * Opens the segments from `start` on. `changed`: one before `mustHave` was removed meanwhile, which newer metadata no
   * longer names.
   */
  #openFrom(start: number, known: readonly number[], mustHave: number): OpenSegment[] | 'changed' {
    const opened: OpenSegment[] = [];
    for (let number = start; number < mustHave; number++) {
      if (this.#open(number, opened)) continue;
      this.#closeAll(opened);
      this.#lostTries++;
      return 'changed';
    }
    const listed = known.filter((number) => number >= mustHave);
    for (const number of listed) this.#open(number, opened);
    this.#openAfter(Math.max(mustHave - 1, listed.at(-1) ?? -1), opened);
    return opened;
  }

  /** Opens the segments after this number, one after the other. */
  #openAfter(last: number, opened: OpenSegment[]): void {
    let next = last + 1;
    while (this.#open(next, opened)) next++;
  }

  #open(number: number, opened: OpenSegment[]): boolean {
    const { fileSystem } = this.#setup;
    const records = fileSystem.openForReading(this.#source.segment(number));
    if (records === 'missing') return false;
    const states = fileSystem.openForReading(this.#source.states(number));
    opened.push({ number, records, states });
    // A segment is removed before its states: if both are gone, it may have had some.
    if (states !== 'missing' || this.#isThere(number)) return true;
    opened.pop();
    fileSystem.close(records);
    return false;
  }

  #isThere(number: number): boolean {
    return this.#setup.fileSystem.size(this.#source.segment(number)) !== 'missing';
  }

  #closeAll(opened: readonly OpenSegment[]): void {
    for (const { records, states } of opened) {
      this.#setup.fileSystem.close(records);
      if (states !== 'missing') this.#setup.fileSystem.close(states);
    }
  }

  #copyMetadata(metadata: QueueMetadata | 'missing' | 'unusable'): void {
    const { fileSystem, isLive } = this.#setup;
    if (metadata === 'unusable') copyFile(fileSystem, this.#source.metadata, this.#target.metadata);
    if (typeof metadata === 'object') writeMetadata(fileSystem, this.#target, metadata);
    // A broker writes the copy at another time than the metadata.
    if (isLive && typeof metadata === 'object') return;
    copyFile(fileSystem, this.#source.metadataCopy, this.#target.metadataCopy);
  }

  #copy(
    from: CopyEnd,
    opened: OpenSegment[],
    metadata: QueueMetadata | 'missing' | 'unusable' = 'missing',
  ): Outcome {
    const { fileSystem } = this.#setup;
    const targetOf = this.#numbering(from);
    try {
      const youngest = opened.at(-1);
      for (const segment of opened.slice(0, -1)) {
        if (this.#copySidecars(segment, from, targetOf) === 'changed') return 'changed';
      }
      if (youngest !== undefined) this.#openAfter(youngest.number, opened);
      const sizes = opened.map(({ number }) => this.#sizeOf(number));
      for (const segment of opened) {
        if (segment.number < (youngest?.number ?? 0)) continue;
        if (this.#copySidecars(segment, from, targetOf) === 'changed') return 'changed';
      }
      let end = from;
      for (const [index, { number, records }] of opened.entries()) {
        const start = number === from.segment ? from.position : 0;
        const target = targetOf(number);
        const path = this.#target.segment(target);
        const position = copyOpenFile(fileSystem, records, path, { start, end: sizes[index] });
        this.#setup.onBytes(position - start);
        end = { segment: number, position, target };
      }
      this.#end = this.#setup.isLive ? this.#withoutTornEnd(end, from, metadata) : end;
      return 'copied';
    } finally {
      this.#closeAll(opened);
    }
  }

  /** The numbers of the segments in the copy: the first pass keeps them. */
  #numbering(from: CopyEnd): (number: number) => number {
    if (this.#end === undefined) return (number) => number;
    const targets = new Map<number, number>([[from.segment, from.target]]);
    let last = from.position > 0 ? from.target : from.target - 1;
    return (number) => {
      const target = targets.get(number) ?? last + 1;
      targets.set(number, target);
      last = Math.max(last, target);
      return target;
    };
  }

  /** The size of a segment that was removed after it was opened no longer changes. */
  #sizeOf(number: number): number {
    const size = this.#setup.fileSystem.size(this.#source.segment(number));
    return size === 'missing' ? Number.POSITIVE_INFINITY : size;
  }

  /** States of records that the copy already has stay unchanged. */
  #copySidecars(
    { number, states: opened }: OpenSegment,
    from: CopyEnd,
    targetOf: (number: number) => number,
  ): Outcome {
    const { fileSystem } = this.#setup;
    const target = targetOf(number);
    const start = number === from.segment ? slotOffset(from.position) : 0;
    const part = { start, end: Number.POSITIVE_INFINITY };
    const path = this.#target.states(target);
    if (opened !== 'missing') copyOpenFile(fileSystem, opened, path, part);
    // They may have been created after the segment was opened, and removed with it.
    else if (copyFile(fileSystem, this.#source.states(number), path, part) === 'missing') {
      if (this.#setup.isLive && !this.#isThere(number)) return 'changed';
    }
    copyFile(fileSystem, this.#source.checksums(number), this.#target.checksums(target));
    return 'copied';
  }

  /** The broker may be writing the last record. */
  #withoutTornEnd(
    end: CopyEnd,
    from: CopyEnd,
    metadata: QueueMetadata | 'missing' | 'unusable',
  ): CopyEnd {
    const { target: options, fileSystem } = this.#setup;
    const isFirst = end.segment === from.segment;
    const isNamed = typeof metadata === 'object' && metadata.writeSegment === end.segment;
    const known = isNamed ? metadata.writePosition : 0;
    const start = Math.min(end.position, Math.max(known, isFirst ? from.position : 0));
    const context = contextOf(this.#name, options, () => undefined);
    const whole = countSegment(context, end.target, start, end.position).end;
    const isTorn = whole < end.position && this.#isRecordBegun(end, whole);
    options.openFiles.closeAll(this.#target.prefix);
    if (!isTorn) return end;
    const handle = fileSystem.openForWriting(this.#target.segment(end.target));
    if (handle === 'missing') return end;
    try {
      fileSystem.truncate(handle, whole);
      fileSystem.sync(handle);
    } finally {
      fileSystem.close(handle);
    }
    return { ...end, position: whole };
  }

  /** Whether a record begins at `position` of the copy that may still become whole. */
  #isRecordBegun({ target, position: end }: CopyEnd, position: number): boolean {
    const { openFiles, maxMsgSize } = this.#setup.target;
    if (position + SIZE_BYTES > end) return true;
    const size = Buffer.alloc(SIZE_BYTES);
    openFiles.read(this.#target.segment(target), size, 0, SIZE_BYTES, position);
    const bytes = storedSize(size, 0);
    return bytes <= recordBytesMax(maxMsgSize) && position + bytes > end;
  }
}
