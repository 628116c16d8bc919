/**
 * The buffers and lists that the queues of one disk thread share. Calls do not interrupt each other, so each uses them
 * exclusively. A queue that reads into a block owns it, and can reuse its contents, until another queue reads into
 * it.
 *
 * Bound: 208 KiB of buffers for each thread, allocated when they are first used. A shared object holds what its last
 * user put there.
 * Thread: disk.
 */

import { MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../../shared/limits.ts';

/** The piece of a file that was read last. */
export class SharedBlock {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** The last reader. */
  owner: object | undefined;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, sizeBytes);
  }
}

/** The part of a record that identifies it. */
const FRONT_BYTES = SIZE_BYTES + MESSAGE_HEADER_BYTES;
/** For segments whose records are looked at, but not handed out: the size of one read. */
const RECORDS_BLOCK_BYTES = 64 * 1024;
/** For state files: the size of one read, and the largest write. */
export const STATE_BLOCK_BYTES = 64 * 1024;
/** For checksum files: 819 entries. */
export const CHECKSUM_BLOCK_BYTES = 16_380;

export class DiskScratch {
  /** The front of the current record. */
  readonly front = Buffer.allocUnsafeSlow(FRONT_BYTES);
  /** The front of a later record, which is searched for. */
  readonly laterFront = Buffer.allocUnsafeSlow(FRONT_BYTES);
  #records: Buffer | undefined;
  #states: SharedBlock | undefined;
  #checksums: SharedBlock | undefined;
  #draft: Buffer | undefined;
  /** By class; the classes are of levels above this one. */
  readonly #objects = new Map<new () => object, object>();

  /** A piece of a segment whose records are skipped, counted or listed; its contents are not kept. */
  get records(): Buffer {
    this.#records ??= Buffer.allocUnsafeSlow(RECORDS_BLOCK_BYTES);
    return this.#records;
  }

  /** A piece of a state file. */
  get states(): SharedBlock {
    this.#states ??= new SharedBlock(STATE_BLOCK_BYTES);
    return this.#states;
  }

  /** A piece of a checksum file. */
  get checksums(): SharedBlock {
    this.#checksums ??= new SharedBlock(CHECKSUM_BLOCK_BYTES);
    return this.#checksums;
  }

  /** A buffer to assemble a write of states or checksums; its contents are not kept. */
  get draft(): Buffer {
    this.#draft ??= Buffer.allocUnsafeSlow(STATE_BLOCK_BYTES);
    return this.#draft;
  }

  /** The thread's one object of a class; its contents are not kept. */
  shared<T extends object>(type: new () => T): T {
    let object = this.#objects.get(type) as T | undefined;
    if (object === undefined) {
      object = new type();
      this.#objects.set(type, object);
    }
    return object;
  }
}
