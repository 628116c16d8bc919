/**
 * The buffers that the queues of one disk thread share: each call uses them from its start to its end, as no call is
 * interrupted by another one. A queue that has read into a block owns it until another queue does, and finds what it
 * has read as long as it is the owner.
 *
 * Bound: 144 KiB for each thread, allocated when they are first used.
 * Thread: disk.
 */

/** A piece of a file as it was read last. */
export class SharedBlock {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Who has read into it last. */
  owner: object | undefined;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, sizeBytes);
  }
}

/** Of a file of states: as much as one read brings, and as one write takes at most. */
export const STATE_BLOCK_BYTES = 64 * 1024;
/** Of a file of checksums: 819 entries. */
export const CHECKSUM_BLOCK_BYTES = 16_380;

export class DiskScratch {
  #states: SharedBlock | undefined;
  #checksums: SharedBlock | undefined;
  #draft: Buffer | undefined;

  /** A piece of a file of states. */
  get states(): SharedBlock {
    this.#states ??= new SharedBlock(STATE_BLOCK_BYTES);
    return this.#states;
  }

  /** A piece of a file of checksums. */
  get checksums(): SharedBlock {
    this.#checksums ??= new SharedBlock(CHECKSUM_BLOCK_BYTES);
    return this.#checksums;
  }

  /** Room to put a write of states together; nothing of it is kept. */
  get draft(): Buffer {
    this.#draft ??= Buffer.allocUnsafeSlow(STATE_BLOCK_BYTES);
    return this.#draft;
  }
}
