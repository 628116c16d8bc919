/**
 * Reads the output of a server without decoding it: frames are counted, bodies are skipped, and only the first bytes of
 * a message are read. Nothing is allocated per frame, and a chunk may be overwritten after the call.
 *
 * Shape: size(4) type(4) data(size - 4), big-endian; a message's data is timestamp(8) attempts(2) id(16) body(n).
 */

/** Bytes of a message frame before its body. */
export const MESSAGE_HEAD_BYTES = 34;
/** The offset of the id in a message frame. */
export const MESSAGE_ID_OFFSET = 18;

const FRAME_HEAD_BYTES = 8;
const SIZE_BYTES = 4;
const RESPONSE = 0;
const MESSAGE = 2;
const OK_SIZE = 6;
/** `OK` as a number of 16 bits. */
const OK = 0x4f4b;
const HEARTBEAT = '_heartbeat_';
/** Enough for nearly every frame that is split over two chunks. */
const HELD_BYTES = 64;
/** A longer response or error does not come from nsqd. */
const RESPONSE_SIZE_MAX = 1 << 16;

/** The listener of frames. */
export interface FrameHandler {
  /** The chunk had this many `OK`s. */
  onOk(count: number): void;
  /** A message: its head and the requested part of its body are at `at` of `view`, only during this call. */
  onMessage(view: DataView, at: number): void;
  onHeartbeat(): void;
  onError(text: string): void;
}

export class FrameReader {
  readonly #handler: FrameHandler;
  /** Bytes of a message that must have arrived before its handler is called. */
  readonly #messageBytes: number;
  /** The first bytes of a frame that a chunk has split. */
  #held = Buffer.alloc(0);
  #heldBytes = 0;
  /** Bytes of the last frame's body that are still missing. */
  #skip = 0;
  /** The chunk of the last call; the next one often uses the same memory. */
  #chunk: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(this.#chunk.buffer, 0, 0);
  #okCount = 0;

  /** `bodyBytes`: how much of each body the handler needs; bodies have at least that. */
  constructor(handler: FrameHandler, bodyBytes = 0) {
    this.#handler = handler;
    this.#messageBytes = MESSAGE_HEAD_BYTES + bodyBytes;
  }

  /** Takes the first `end` bytes of a chunk. Errors: throws if they are not frames. */
  take(chunk: Buffer, end: number): void {
    const view = this.#viewOf(chunk);
    let at = Math.min(this.#skip, end);
    this.#skip -= at;
    if (this.#heldBytes > 0) at = this.#takeHeld(chunk, at, end);
    while (at < end) {
      const needed = this.#neededAt(view, at, end - at);
      if (needed > end - at) {
        this.#hold(chunk, at, end, needed);
        at = end;
        break;
      }
      this.#tell(view, at);
      at += SIZE_BYTES + view.getUint32(at);
    }
    this.#skip += at - end;
    if (this.#okCount === 0) return;
    const okCount = this.#okCount;
    this.#okCount = 0;
    this.#handler.onOk(okCount);
  }

  /** Continues a frame that was split. Returns the position in the chunk after it. */
  #takeHeld(chunk: Buffer, start: number, end: number): number {
    let at = start;
    for (;;) {
      const view = new DataView(this.#held.buffer, this.#held.byteOffset, this.#held.length);
      const needed = this.#neededAt(view, 0, this.#heldBytes);
      if (needed <= this.#heldBytes) {
        const rest = SIZE_BYTES + view.getUint32(0) - this.#heldBytes;
        this.#heldBytes = 0;
        this.#tell(view, 0);
        const here = Math.min(rest, end - at);
        this.#skip = rest - here;
        return at + here;
      }
      if (at === end) return at;
      const taken = Math.min(needed - this.#heldBytes, end - at);
      this.#hold(chunk, at, at + taken, needed);
      at += taken;
    }
  }

  #hold(chunk: Buffer, from: number, to: number, needed: number): void {
    if (this.#held.length < needed) {
      const larger = Buffer.alloc(Math.max(HELD_BYTES, needed));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes, from, to);
    this.#heldBytes += to - from;
  }

  /** How many bytes of a frame must have arrived before its handler is called, as far as is known yet. */
  #neededAt(view: DataView, at: number, available: number): number {
    if (available < FRAME_HEAD_BYTES) return FRAME_HEAD_BYTES;
    const size = view.getUint32(at);
    const type = view.getUint32(at + SIZE_BYTES);
    if (type === MESSAGE) return this.#messageBytes;
    if (size < SIZE_BYTES || size > RESPONSE_SIZE_MAX || type > MESSAGE) {
      throw new Error(`the server sent what is no frame: size ${size}, type ${type}`);
    }
    return SIZE_BYTES + size;
  }

  #tell(view: DataView, at: number): void {
    const type = view.getUint32(at + SIZE_BYTES);
    if (type === MESSAGE) {
      this.#handler.onMessage(view, at);
      return;
    }
    const size = view.getUint32(at);
    if (type === RESPONSE && size === OK_SIZE && view.getUint16(at + FRAME_HEAD_BYTES) === OK) {
      this.#okCount++;
      return;
    }
    const start = view.byteOffset + at + FRAME_HEAD_BYTES;
    const text = Buffer.from(view.buffer, start, size - SIZE_BYTES).toString();
    if (type !== RESPONSE) this.#handler.onError(text);
    else if (text === HEARTBEAT) this.#handler.onHeartbeat();
  }

  #viewOf(chunk: Buffer): DataView {
    if (chunk !== this.#chunk) {
      this.#chunk = chunk;
      this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    }
    return this.#view;
  }
}
