/**
 * Reads snappy's framing format. A chunk is checked as soon as its header has arrived, so that nothing too large is
 * buffered or decompressed.
 *
 * Bound: an incomplete chunk is buffered, at most 76 KiB; a piece of output is at most 64 KiB.
 *
 * Thread: main. Source: golang/snappy `Reader`.
 */

import { errorText } from '../../shared/error-text.ts';
import { maskedChecksum } from './checksum.ts';
import type { Decoder, DecoderListener } from './codec.ts';
import { plainLength, uncompressBlock } from './snappy-block.ts';
import {
  CHECKSUM_BYTES,
  CHUNK_HEADER_BYTES,
  COMPRESSED,
  COMPRESSED_BYTES_MAX,
  PLAIN_BYTES_MAX,
  SKIPPABLE_MIN,
  STREAM_IDENTIFIER,
  STREAM_IDENTIFIER_CHUNK,
  UNCOMPRESSED,
} from './snappy-chunk.ts';

const NOTHING = Buffer.alloc(0);

export class SnappyDecoder implements Decoder {
  #listener: DecoderListener | null = null;
  /** The unread input: `#input` from `#at` on. */
  #input: Buffer = NOTHING;
  #at = 0;
  /** An incomplete header or chunk: the first `#gathered` bytes. */
  readonly #header: Buffer = Buffer.alloc(CHUNK_HEADER_BYTES);
  #chunk: Buffer = this.#header;
  #gathered = 0;
  /** Bytes still to come of a chunk that is skipped. */
  #skipped = 0;
  #hasBegun = false;
  #isPaused = false;
  #isRunning = false;
  #hasEnded = false;

  listen(listener: DecoderListener): void {
    this.#listener = listener;
  }

  decode(chunk: Buffer): void {
    this.#input = chunk;
    this.#at = 0;
    this.#run();
    this.#keepRest();
  }

  end(): void {
    this.#hasEnded = true;
    this.#run();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#run();
  }

  close(): void {
    this.#listener = null;
    this.#input = NOTHING;
    this.#chunk = this.#header;
  }

  /** Copies the unread rest of the input, since the caller reuses its memory. */
  #keepRest(): void {
    if (this.#input === NOTHING) return;
    this.#input = Buffer.from(this.#input.subarray(this.#at));
    this.#at = 0;
  }

  /** Decodes as much as possible. */
  #run(): void {
    // The listener may pause and resume before it returns.
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#listener !== null && !this.#isPaused && this.#advance());
    } catch (error) {
      // An error that the listener throws is not a fault of the stream.
      if (!(error instanceof SnappyError)) throw error;
      this.#fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Returns false when it needs more input. */
  #advance(): boolean {
    if (this.#at < this.#input.length) {
      if (this.#skipped > 0) this.#skip();
      else if (this.#chunk === this.#header) this.#takeHeader();
      else this.#takeChunk();
      return true;
    }
    if (this.#input !== NOTHING) {
      this.#input = NOTHING;
      this.#at = 0;
      this.#listener?.onUsed();
      return true;
    }
    if (this.#hasEnded) this.#finish();
    return false;
  }

  #skip(): void {
    const bytes = Math.min(this.#skipped, this.#input.length - this.#at);
    this.#skipped -= bytes;
    this.#at += bytes;
  }

  #takeHeader(): void {
    this.#gather();
    if (this.#gathered < CHUNK_HEADER_BYTES) return;
    const type = this.#header[0];
    const length = this.#header.readUIntLE(1, CHUNK_HEADER_BYTES - 1);
    this.#gathered = 0;
    this.#check(type, length);
    if (type >= SKIPPABLE_MIN && type !== STREAM_IDENTIFIER) {
      this.#skipped = length;
      return;
    }
    // A complete chunk is read in place.
    if (this.#input.length - this.#at >= length) {
      const data = this.#input.subarray(this.#at, this.#at + length);
      this.#at += length;
      this.#read(type, data);
      return;
    }
    this.#chunk = Buffer.allocUnsafe(length);
  }

  #takeChunk(): void {
    this.#gather();
    if (this.#gathered < this.#chunk.length) return;
    const data = this.#chunk;
    this.#chunk = this.#header;
    this.#gathered = 0;
    this.#read(this.#header[0], data);
  }

  #gather(): void {
    const bytes = Math.min(this.#chunk.length - this.#gathered, this.#input.length - this.#at);
    this.#input.copy(this.#chunk, this.#gathered, this.#at, this.#at + bytes);
    this.#gathered += bytes;
    this.#at += bytes;
  }

  /** Rejects a chunk whose header is invalid. */
  #check(type: number, length: number): void {
    if (!this.#hasBegun && type !== STREAM_IDENTIFIER) {
      throw new SnappyError('the stream does not begin with its identifier');
    }
    if (type > UNCOMPRESSED && type < SKIPPABLE_MIN) {
      throw new SnappyError(`a chunk of unknown type ${type}`);
    }
    const [min, max] = dataBounds(type);
    if (length < min || length > max) {
      throw new SnappyError(`a chunk of type ${type} with ${length} bytes`);
    }
  }

  #read(type: number, data: Buffer): void {
    if (type === STREAM_IDENTIFIER) {
      if (data.compare(STREAM_IDENTIFIER_CHUNK, CHUNK_HEADER_BYTES) !== 0) {
        throw new SnappyError('a stream identifier that is not one');
      }
      this.#hasBegun = true;
      return;
    }
    const body = data.subarray(CHECKSUM_BYTES);
    const plain = type === COMPRESSED ? uncompress(body) : body;
    if (maskedChecksum(plain) !== data.readUInt32LE(0)) {
      throw new SnappyError('a chunk whose checksum is wrong');
    }
    if (plain.length > 0) this.#listener?.onData(plain);
  }

  #fail(error: SnappyError): void {
    const listener = this.#listener;
    this.close();
    listener?.onError(error);
  }

  #finish(): void {
    const listener = this.#listener;
    this.close();
    listener?.onEnd();
  }
}

/** The stream is not valid. */
class SnappyError extends Error {
  override readonly name = 'SnappyError';

  constructor(what: string, options?: ErrorOptions) {
    super(`snappy: ${what}`, options);
  }
}

/** Least and most bytes of a chunk's data. */
function dataBounds(type: number): [min: number, max: number] {
  switch (type) {
    case COMPRESSED:
      return [CHECKSUM_BYTES, CHECKSUM_BYTES + COMPRESSED_BYTES_MAX];
    case UNCOMPRESSED:
      return [CHECKSUM_BYTES, CHECKSUM_BYTES + PLAIN_BYTES_MAX];
    case STREAM_IDENTIFIER: {
      const bytes = STREAM_IDENTIFIER_CHUNK.length - CHUNK_HEADER_BYTES;
      return [bytes, bytes];
    }
    default:
      return [0, Number.POSITIVE_INFINITY];
  }
}

function uncompress(block: Buffer): Buffer {
  const length = plainLength(block);
  if (length === undefined || length > PLAIN_BYTES_MAX) {
    throw new SnappyError(`a chunk of ${length ?? 'unknown many'} bytes, uncompressed`);
  }
  try {
    return uncompressBlock(block);
  } catch (cause) {
    throw new SnappyError(`a chunk that cannot be uncompressed, ${errorText(cause)}`, { cause });
  }
}
