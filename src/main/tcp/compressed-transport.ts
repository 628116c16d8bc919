/**
 * A transport that compresses its bytes onto another one.
 *
 * Output that arrives while earlier output is being compressed waits and is compressed together; the writer bounds
 * it. `onTaken` is called only when the transport below has accepted the compressed output. Input is decoded one
 * chunk at a time: the transport below is paused until the decoder has used it up.
 *
 * Thread: main. Source: nsqd `clientV2.UpgradeSnappy`, `UpgradeDeflate`.
 */

import type { CompressionCodec } from '../../protocol/compression/codec.ts';
import type { Transport, TransportListener } from './transport.ts';

export class CompressedTransport implements Transport {
  readonly #below: Transport;
  readonly #codec: CompressionCodec;
  #listener: TransportListener | null = null;
  /** Output that waits for the encoder, and the callbacks for when it is accepted. */
  #waiting: Buffer[] = [];
  #waitingTaken: (() => void)[] = [];
  #isEncoding = false;
  #isEnding = false;
  /** The decoder is working on a chunk. */
  #isDecoding = false;
  #isPaused = false;
  /** The input below has ended. */
  #hasEnded = false;
  /** The input is dropped. */
  #isDiscarding = false;
  #isEndTold = false;
  #isBelowClosed = false;
  #isClosed = false;

  /** Becomes the only user of the transport below. */
  constructor(below: Transport, codec: CompressionCodec) {
    this.#below = below;
    this.#codec = codec;
  }

  get isDestroyed(): boolean {
    return this.#below.isDestroyed;
  }

  listen(listener: TransportListener): void {
    const isFirst = this.#listener === null;
    this.#listener = listener;
    if (!isFirst) return;
    this.#codec.decoder.listen({
      onData: (bytes) => this.#listener?.onData(bytes),
      onUsed: () => this.#onUsed(),
      onEnd: () => this.#onDecoderEnd(),
      onError: (error) => {
        this.#listener?.onError(error);
        this.#onDecoderEnd();
      },
    });
    this.#below.listen({
      onData: (bytes) => this.#decode(bytes),
      onEnd: () => this.#onBelowEnd(),
      onError: (error) => this.#listener?.onError(error),
      onClose: () => this.#onBelowClose(),
    });
  }

  write(buffers: readonly Buffer[], onTaken: () => void): void {
    if (this.#isClosed) return;
    for (const buffer of buffers) this.#waiting.push(buffer);
    this.#waitingTaken.push(onTaken);
    this.#encode();
  }

  pause(): void {
    this.#isPaused = true;
    this.#codec.decoder.pause();
    this.#below.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#codec.decoder.resume();
    // The decoder may have emitted bytes, and their listener may have paused again.
    if (!this.#isPaused && !this.#isDecoding) this.#below.resume();
  }

  discardInput(): void {
    this.#isDiscarding = true;
    this.#isDecoding = false;
    this.#codec.decoder.close();
    this.#below.discardInput();
  }

  end(): void {
    this.#isEnding = true;
    if (!this.#isEncoding) this.#below.end();
  }

  destroy(): void {
    this.#close();
    this.#below.destroy();
  }

  // Output

  #encode(): void {
    if (this.#isEncoding || this.#waiting.length === 0) return;
    this.#isEncoding = true;
    const buffers = this.#waiting;
    const taken = this.#waitingTaken;
    this.#waiting = [];
    this.#waitingTaken = [];
    this.#codec.encoder.encode(buffers, (bytes) => this.#onEncoded(bytes, taken));
  }

  #onEncoded(bytes: Buffer[], taken: readonly (() => void)[]): void {
    this.#isEncoding = false;
    this.#below.write(bytes, () => {
      for (const onTaken of taken) onTaken();
    });
    this.#encode();
    if (this.#isEnding && !this.#isEncoding) this.#below.end();
  }

  // Input

  #decode(bytes: Buffer): void {
    if (this.#isDiscarding || this.#isClosed) return;
    this.#isDecoding = true;
    this.#codec.decoder.decode(bytes);
    if (this.#isDecoding) this.#below.pause();
  }

  #onUsed(): void {
    this.#isDecoding = false;
    if (this.#hasEnded) this.#codec.decoder.end();
    else if (!this.#isPaused) this.#below.resume();
  }

  #onBelowEnd(): void {
    this.#hasEnded = true;
    if (this.#isDiscarding) this.#tellEnd();
    else if (!this.#isDecoding) this.#codec.decoder.end();
  }

  /** Further input from the client cannot be decoded. */
  #onDecoderEnd(): void {
    if (this.#isClosed) return;
    this.discardInput();
    this.#tellEnd();
  }

  #tellEnd(): void {
    if (this.#isEndTold) return;
    this.#isEndTold = true;
    this.#listener?.onEnd();
    if (this.#isBelowClosed) this.#onBelowClose();
  }

  #onBelowClose(): void {
    this.#isBelowClosed = true;
    // A connection that both sides have closed may be gone before its last bytes are decoded.
    if (this.#hasEnded && !this.#isEndTold && !this.#isClosed) return;
    this.#close();
    this.#listener?.onClose();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#codec.encoder.close();
    this.#codec.decoder.close();
  }
}
