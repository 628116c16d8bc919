/**
 * A disk queue as nsqd opens, writes and reads it: a model of go-diskqueue's rules, to tell what nsqd would find in
 * files that RingMQ has left. It shares no code with the broker, and changes nothing but its own files in memory.
 *
 *     metadata    missing or unusable: all places are 0
 *     opening     a write segment that is longer than metadata says is left: writing continues in the next one
 *     writing     over whatever is there; in the next segment where a record would make one too long
 *     reading     to the write place; segments before that to their end
 *     bad         a segment that cannot be read on is put aside with what is left of it, and the next one is read
 *
 * Units: positions and sizes in bytes.
 * Thread: any.
 * Source: go-diskqueue 1.1 `retrieveMetaData`, `writeOne`, `readOne`, `moveForward`, `handleReadError`,
 * `checkTailCorruption`, `skipToNextRWFile`.
 */

import type { FileSource } from './disk-files.ts';

/** Bounds as nsqd has them. */
export interface NsqdLimits {
  readonly maxBytesPerFile: number;
  readonly maxMsgSize: number;
}

interface Place {
  segment: number;
  position: number;
}

const SIZE_BYTES = 4;
/** Timestamp, attempts and id. */
const MESSAGE_BYTES_MIN = 26;
/** As Go's `Fscanf` takes it: what follows the third line is not looked at. */
const METADATA = /^(-?\d+)\n(\d+),(\d+)\n(\d+),(\d+)\n/;
/** More segments than any test has; numbers beyond are of metadata that makes no sense. */
const STEPS_MAX = 100_000;

export class NsqdQueue {
  readonly #limits: NsqdLimits;
  /** Data files by their numbers. */
  readonly #files = new Map<number, Buffer>();
  readonly #read: Place = { segment: 0, position: 0 };
  readonly #write: Place = { segment: 0, position: 0 };
  /** Where the segment that is read ends, once it was opened as one that is complete. */
  #readEnd: number | undefined;
  /** The segment that is open for reading. */
  #openSegment: number | undefined;

  constructor(source: FileSource, queue: string, limits: NsqdLimits) {
    this.#limits = limits;
    for (const name of source.names) {
      const match = /^(.*)\.diskqueue\.(\d{6,})\.dat$/.exec(name);
      if (match?.[1] === queue) this.#files.set(Number(match[2]), source.content(name));
    }
    const metadata = `${queue}.diskqueue.meta.dat`;
    if (source.names.includes(metadata)) this.#open(source.content(metadata).toString('latin1'));
  }

  /** Writes a record at the end, with its size field. */
  put(record: Buffer): void {
    const write = this.#write;
    if (write.position > 0 && write.position + record.length > this.#limits.maxBytesPerFile) {
      if (this.#read.segment === write.segment) this.#readEnd = write.position;
      write.segment++;
      write.position = 0;
    }
    const old = this.#files.get(write.segment) ?? Buffer.alloc(0);
    const file = Buffer.alloc(Math.max(old.length, write.position + record.length));
    old.copy(file);
    record.copy(file, write.position);
    this.#files.set(write.segment, file);
    write.position += record.length;
  }

  /** Reads everything that it finds. Returns the records without their size fields. */
  readAll(): Buffer[] {
    const records: Buffer[] = [];
    for (let step = 0; step < STEPS_MAX; step++) {
      if (!this.#hasMore()) return records;
      const record = this.#readOne();
      if (record === undefined) this.#putAside();
      else {
        records.push(record);
        this.#moveForward(SIZE_BYTES + record.length);
      }
    }
    throw new Error('reading comes to no end');
  }

  #open(text: string): void {
    const match = METADATA.exec(text);
    if (match === null) return;
    [this.#read.segment, this.#read.position, this.#write.segment, this.#write.position] = match
      .slice(2)
      .map(Number);
    const file = this.#files.get(this.#write.segment);
    if (file === undefined || this.#write.position >= file.length) return;
    this.#write.segment++;
    this.#write.position = 0;
  }

  #hasMore(): boolean {
    const { segment, position } = this.#read;
    return segment < this.#write.segment || position < this.#write.position;
  }

  /** The record at the read place; undefined if none can be read there. */
  #readOne(): Buffer | undefined {
    const { segment, position } = this.#read;
    const file = this.#files.get(segment);
    if (file === undefined) return undefined;
    if (this.#openSegment !== segment) {
      this.#openSegment = segment;
      this.#readEnd = segment < this.#write.segment ? file.length : this.#limits.maxBytesPerFile;
    }
    if (position + SIZE_BYTES > file.length) return undefined;
    const size = file.readInt32BE(position);
    const isPossible =
      size >= MESSAGE_BYTES_MIN && size <= this.#limits.maxMsgSize + MESSAGE_BYTES_MIN;
    const end = position + SIZE_BYTES + size;
    if (!isPossible || end > file.length) return undefined;
    return file.subarray(position + SIZE_BYTES, end);
  }

  #moveForward(bytes: number): void {
    const read = this.#read;
    read.position += bytes;
    const end = this.#readEnd ?? this.#limits.maxBytesPerFile;
    if (read.segment < this.#write.segment && read.position >= end) {
      this.#files.delete(read.segment);
      this.#openSegment = undefined;
      read.segment++;
      read.position = 0;
    }
    this.#checkTail();
  }

  #putAside(): void {
    const read = this.#read;
    this.#openSegment = undefined;
    if (read.segment === this.#write.segment) {
      this.#write.segment++;
      this.#write.position = 0;
    }
    this.#files.delete(read.segment);
    read.segment++;
    read.position = 0;
    this.#checkTail();
  }

  /** A read place behind the write place: everything between is dropped. */
  #checkTail(): void {
    const { segment, position } = this.#read;
    if (this.#hasMore()) return;
    if (segment === this.#write.segment && position === this.#write.position) return;
    for (let number = segment; number <= this.#write.segment; number++) this.#files.delete(number);
    this.#write.segment++;
    this.#write.position = 0;
    Object.assign(this.#read, this.#write);
  }
}
