/**
 * One file of a disk that may lose power: what was written, what is durable, and all states in between.
 *
 * A disk writes sectors in any order and at any time. So each sector that was written to and not made durable keeps all
 * contents that it has had since, and after a crash it has any one of them, independently of the others. The size has
 * its own history. A sector may be torn only where it was not durable before: where a file grows, the last piece may
 * end anywhere; overwritten bytes are the old or the new ones.
 *
 * Units: positions and sizes in bytes.
 * Thread: any.
 */

/** Picks one of `count` possibilities, by its index; 0 is the oldest, the last one the latest. */
export type Chooser = (count: number) => number;

const SECTOR_BYTES = 512;
const NO_BYTES = Buffer.alloc(0);

/** A sector that is not durable. */
interface LooseSector {
  /** The durable contents, then all contents since. */
  readonly contents: Uint8Array[];
  /** Whether the next sync writes it; after a failed sync only once it is written to again. */
  isDirty: boolean;
}

export class MemoryFile {
  #bytes = NO_BYTES;
  #size = 0;
  /** Sizes since the last sync, beginning with the durable one. */
  #sizes = [0];
  #loose = new Map<number, LooseSector>();
  /** Whether another file has the same buffers: the first of them to change copies them. */
  #isShared = false;

  get size(): number {
    return this.#size;
  }

  content(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#size));
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const end = Math.min(this.#size, position + length);
    if (end <= position) return 0;
    target.set(this.#bytes.subarray(position, end), offset);
    return end - position;
  }

  write(source: Uint8Array, position: number): void {
    if (source.length === 0) return;
    const end = position + source.length;
    this.#change(position, end, () => this.#bytes.set(source, position));
    this.#setSize(Math.max(this.#size, end));
  }

  /**
   * About half of a write: the part that a crash in the middle of it may leave. Where a write replaces bytes, it is cut
   * between sectors only. 0 if there is no such place.
   */
  halfOf(length: number, position: number): number {
    const middle = position + (length >>> 1);
    if (middle >= this.#size) return middle - position;
    return Math.max(0, Math.floor(middle / SECTOR_BYTES) * SECTOR_BYTES - position);
  }

  truncate(size: number): void {
    if (size < this.#size) {
      const end = this.#size;
      this.#change(size, end, () => this.#bytes.fill(0, size, end));
    }
    this.#setSize(size);
  }

  /** Makes dirty sectors durable. */
  sync(): void {
    this.#own();
    for (const [index, sector] of this.#loose) if (sector.isDirty) this.#loose.delete(index);
    this.#sizes = [this.#size];
  }

  /** A sync has failed: the system treats what it could not write as written. */
  failSync(): void {
    this.#own();
    for (const sector of this.#loose.values()) sector.isDirty = false;
  }

  /** A copy of the file, which changes independently. */
  clone(): MemoryFile {
    const file = new MemoryFile();
    file.#bytes = this.#bytes;
    file.#size = this.#size;
    file.#sizes = this.#sizes;
    file.#loose = this.#loose;
    file.#isShared = true;
    this.#isShared = true;
    return file;
  }

  /** The file as a crash may leave it; all of that is durable. */
  afterPowerLoss(choose: Chooser): MemoryFile {
    const file = new MemoryFile();
    file.#bytes = Buffer.from(this.#bytes);
    file.#size = this.#sizes[choose(this.#sizes.length)];
    file.#grow(file.#size);
    for (const [index, { contents }] of this.#loose) {
      file.#bytes.set(this.#choose(index, contents, choose), index * SECTOR_BYTES);
    }
    file.#bytes.fill(0, file.#size);
    file.#sizes = [file.#size];
    return file;
  }

  /** One of a sector's contents, whole or torn. */
  #choose(index: number, contents: readonly Uint8Array[], choose: Chooser): Uint8Array {
    const chosen = choose(contents.length);
    if (chosen === 0) return contents[0];
    const after = contents[chosen];
    const before = contents[chosen - 1];
    const durable = Math.max(0, this.#sizes[0] - index * SECTOR_BYTES);
    let from = durable;
    while (from < SECTOR_BYTES && after[from] === before[from]) from++;
    let to = SECTOR_BYTES;
    while (to > from && after[to - 1] === before[to - 1]) to--;
    const torn = from + choose(to - from + 1);
    return Buffer.concat([after.subarray(0, torn), before.subarray(torn, to), after.subarray(to)]);
  }

  /** Records the contents of the sectors from `start` to `end` before and after a change. */
  #change(start: number, end: number, change: () => void): void {
    this.#own();
    this.#grow(end);
    const first = Math.floor(start / SECTOR_BYTES);
    const last = Math.floor((end - 1) / SECTOR_BYTES);
    const before = this.#sectors(first, last);
    change();
    this.#sectors(first, last).forEach((content, at) => {
      const sector = this.#loose.get(first + at);
      if (sector === undefined) {
        this.#loose.set(first + at, { contents: [before[at], content], isDirty: true });
      } else {
        sector.contents.push(content);
        sector.isDirty = true;
      }
    });
  }

  /** Before a change. The contents of sectors never change, so copies may share them. */
  #own(): void {
    if (!this.#isShared) return;
    this.#isShared = false;
    this.#bytes = Buffer.from(this.#bytes);
    this.#sizes = [...this.#sizes];
    const shared = this.#loose;
    this.#loose = new Map();
    for (const [index, { contents, isDirty }] of shared) {
      this.#loose.set(index, { contents: [...contents], isDirty });
    }
  }

  /** Copies of these sectors, in one piece of memory. */
  #sectors(first: number, last: number): Uint8Array[] {
    const count = last - first + 1;
    const bytes = new Uint8Array(count * SECTOR_BYTES);
    bytes.set(this.#bytes.subarray(first * SECTOR_BYTES, (last + 1) * SECTOR_BYTES));
    return Array.from({ length: count }, (_, at) => {
      return new Uint8Array(bytes.buffer, at * SECTOR_BYTES, SECTOR_BYTES);
    });
  }

  #setSize(size: number): void {
    if (size === this.#size) return;
    this.#own();
    this.#grow(size);
    this.#size = size;
    this.#sizes.push(size);
  }

  /** Whole sectors; bytes beyond the size are zeros. */
  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const sectors = Math.ceil(Math.max(size, this.#bytes.length * 2) / SECTOR_BYTES);
    const bytes = Buffer.alloc(sectors * SECTOR_BYTES);
    this.#bytes.copy(bytes);
    this.#bytes = bytes;
  }
}
