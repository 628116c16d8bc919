/**
 * The protocol as a load generator needs it: commands built once and sent many times, frames counted rather
 * than decoded.
 */

import type { Link } from './link.ts';

/** Bytes of the response frame `OK`. */
export const OK_BYTES = 10;
/** Bytes of a message frame before its body. */
export const MESSAGE_FRAME_BYTES = 34;
/** Where a message frame holds its id. */
const ID_OFFSET = 18;
const ID_BYTES = 16;
const FIN = Buffer.from('FIN ');
const LF = 0x0a;

/** Resolves when so many bytes have come. */
export function receiveBytes(socket: Link, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = count;
    const onData = (chunk: Buffer): void => {
      rest -= chunk.length;
      if (rest > 0) return;
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData);
    socket.once('error', reject);
  });
}

/** An MPUB of `count` messages of `size` bytes. */
export function mpub(topic: string, count: number, size: number): Buffer {
  const message = sized(Buffer.alloc(size, 'x'));
  const messages = Buffer.concat(Array.from({ length: count }, () => message));
  return Buffer.concat([
    Buffer.from(`MPUB ${topic}\n`),
    uint32(4 + messages.length),
    uint32(count),
    messages,
  ]);
}

/** A PUB of one message of `size` bytes. */
export function pub(topic: string, size: number): Buffer {
  return Buffer.concat([Buffer.from(`PUB ${topic}\n`), sized(Buffer.alloc(size, 'x'))]);
}

/**
 * Walks over message frames as they come, and builds a FIN for each. What a chunk leaves unfinished is kept for
 * the next one.
 */
export class FrameWalker {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the FINs of all whole message frames; `onMessage` is called with the place of each. */
  take(chunk: Buffer, onMessage: ((bytes: Buffer, at: number) => void) | null): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const fins = Buffer.allocUnsafe(Math.ceil(bytes.length / MESSAGE_FRAME_BYTES) * 21);
    let finned = 0;
    let at = 0;
    while (at + 8 <= bytes.length) {
      const frame = 4 + bytes.readUInt32BE(at);
      if (at + frame > bytes.length) break;
      if (bytes[at + 7] === 2) {
        FIN.copy(fins, finned);
        bytes.copy(fins, finned + FIN.length, at + ID_OFFSET, at + ID_OFFSET + ID_BYTES);
        fins[finned + FIN.length + ID_BYTES] = LF;
        finned += FIN.length + ID_BYTES + 1;
        onMessage?.(bytes, at);
      }
      at += frame;
    }
    this.#rest = bytes.subarray(at);
    return fins.subarray(0, finned);
  }
}

function sized(body: Buffer): Buffer {
  return Buffer.concat([uint32(body.length), body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
