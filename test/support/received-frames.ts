/**
 * Frames from a broker's output, however it is split; heartbeats are left out.
 *
 * Shape: size(4) type(4) data(size - 4), big-endian; a message's data is timestamp(8) attempts(2) id(16) body.
 * Thread: any.
 */

const TYPES = ['response', 'error', 'message'] as const;
const HEADER_BYTES = 8;
const TYPE_BYTES = 4;
const HEARTBEAT = '_heartbeat_';
const ATTEMPTS_START = 8;
const ID_START = 10;
const BODY_START = 26;

/** A frame of the broker. */
export type Frame = { readonly type: (typeof TYPES)[number]; readonly data: Buffer };

/** A message as it is on the wire. */
export type WireMessage = { readonly id: string; readonly attempts: number; readonly body: Buffer };

export class ReceivedFrames {
  #bytes = Buffer.alloc(0);

  /** Bytes that belong to no frame that was read. */
  get restBytes(): number {
    return this.#bytes.length;
  }

  add(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  /** The next frame; undefined if it is incomplete. Errors: throws if it is too short to be one. */
  take(): Frame | undefined {
    for (;;) {
      const frame = this.#takeAny();
      if (frame?.type !== 'response' || frame.data.toString('latin1') !== HEARTBEAT) return frame;
    }
  }

  /** Removes and returns all bytes that belong to no frame yet. */
  takeRest(): Buffer {
    const rest = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return rest;
  }

  #takeAny(): Frame | undefined {
    if (this.#bytes.length < HEADER_BYTES) return undefined;
    const size = this.#bytes.readInt32BE(0);
    if (size < TYPE_BYTES) throw new Error(`a frame of ${size} bytes came`);
    const end = TYPE_BYTES + size;
    if (this.#bytes.length < end) return undefined;
    const type = TYPES[this.#bytes.readInt32BE(TYPE_BYTES)];
    const data = this.#bytes.subarray(HEADER_BYTES, end);
    this.#bytes = this.#bytes.subarray(end);
    return { type, data };
  }
}

/** The fields of a message frame's data. */
export function toMessage(data: Buffer): WireMessage {
  return {
    id: data.toString('latin1', ID_START, BODY_START),
    attempts: data.readUInt16BE(ATTEMPTS_START),
    body: data.subarray(BODY_START),
  };
}
