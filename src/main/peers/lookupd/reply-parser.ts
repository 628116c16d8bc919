/**
 * Splits the bytes from an nsqlookupd into replies.
 *
 * Shape: repeated size(4, big-endian, signed) and that many bytes; there is no frame type.
 * Thread: main. Source: nsq `readResponseBounded`.
 */

import { readInt32 } from '../../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../../shared/limits.ts';
import { impossibleReply } from '../../../shared/wrong-port.ts';

export class ReplyParser {
  readonly #replyBytesMax: number;
  /** The bytes of an incomplete reply. */
  #chunks: Buffer[] = [];
  #chunksBytes = 0;

  /** Units: `replyBytesMax` without the size field. */
  constructor(replyBytesMax: number) {
    this.#replyBytesMax = replyBytesMax;
  }

  /**
   * Reads the next bytes, and returns the replies that they complete.
   *
   * Errors: returns an error if a reply is larger than allowed; nothing more can be read then, since the start of the
   * next one is unknown.
   */
  push(chunk: Buffer): Buffer[] | Error {
    this.#chunks.push(chunk);
    this.#chunksBytes += chunk.length;
    const replies: Buffer[] = [];
    for (;;) {
      const reply = this.#take();
      if (reply === undefined) return replies;
      if (reply instanceof Error) return reply;
      replies.push(reply);
    }
  }

  #take(): Buffer | Error | undefined {
    if (this.#chunksBytes < SIZE_BYTES) return undefined;
    // Only the size has to lie in one piece while bytes are missing, so that many small chunks are joined once.
    if (this.#chunks[0].length < SIZE_BYTES) this.#join();
    const size = readInt32(this.#chunks[0], 0);
    if (size < 0 || size > this.#replyBytesMax) {
      return new Error(impossibleReply(size, this.#replyBytesMax));
    }
    const end = SIZE_BYTES + size;
    if (this.#chunksBytes < end) return undefined;
    const bytes = this.#join();
    const rest = bytes.subarray(end);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#chunksBytes = rest.length;
    return bytes.subarray(SIZE_BYTES, end);
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }
}
