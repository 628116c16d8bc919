/**
 * A link whose bytes are compressed on another one.
 */

import type { Codec } from '../../../src/protocol/compression/codec.ts';
import { type Link, type LinkListener, NOBODY } from './link.ts';

export class CompressedLink implements Link {
  readonly #below: Link;
  readonly #codec: Codec;
  #listener: LinkListener = NOBODY;
  /** Output that waits for the encoder. */
  #waiting: Buffer[] = [];
  #isEncoding = false;
  /** Input that waits for the decoder, which takes one chunk at a time. */
  readonly #input: Buffer[] = [];
  #isDecoding = false;

  constructor(below: Link, codec: Codec) {
    this.#below = below;
    this.#codec = codec;
    codec.decoder.listen({
      onData: (bytes) => this.#listener.onBytes(bytes, bytes.length),
      onUsed: () => {
        this.#isDecoding = false;
        this.#decode();
      },
      onEnd: () => undefined,
      onError: (error) => this.#listener.onGone(error),
    });
    below.listen({
      onBytes: (chunk, end) => {
        this.#input.push(Buffer.from(chunk.subarray(0, end)));
        this.#decode();
      },
      onGone: (error) => this.#listener.onGone(error),
    });
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  send(bytes: Buffer): boolean {
    this.#waiting.push(bytes);
    this.#encode();
    return false;
  }

  close(): void {
    this.#listener = NOBODY;
    this.#codec.encoder.close();
    this.#codec.decoder.close();
    this.#below.close();
  }

  #encode(): void {
    if (this.#isEncoding || this.#waiting.length === 0) return;
    this.#isEncoding = true;
    const buffers = this.#waiting;
    this.#waiting = [];
    this.#codec.encoder.encode(buffers, (encoded) => {
      this.#isEncoding = false;
      for (const bytes of encoded) this.#below.send(bytes);
      this.#encode();
    });
  }

  #decode(): void {
    if (this.#isDecoding) return;
    const chunk = this.#input.shift();
    if (chunk === undefined) return;
    this.#isDecoding = true;
    this.#codec.decoder.decode(chunk);
  }
}
