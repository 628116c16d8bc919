/**
 * Splits what a client of the lookup protocol sends into its parts: the magic bytes, lines, and the body of IDENTIFY.
 *
 * Bound: an incomplete part is at most a body and its size.
 *
 * Thread: main.
 * Source: nsqlookupd's `IOLoop`, which bounds neither lines nor bodies.
 */

import { FIELDS_BYTES_MAX } from '../../daemon/go/go-fields.ts';
import { readInt32 } from '../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';

/** A valid command has less than 150 bytes. */
const LINE_BYTES_MAX = 4096;
/** Most bytes of IDENTIFY's body. */
const BODY_BYTES_MAX = FIELDS_BYTES_MAX;
const MAGIC_BYTES = 4;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** The input is invalid. */
export class InvalidPart {
  readonly code: 'E_INVALID' | 'E_BAD_BODY';
  readonly why: string;

  constructor(code: 'E_INVALID' | 'E_BAD_BODY', why: string) {
    this.code = code;
    this.why = why;
  }
}

export class Input {
  #bytes: Buffer = NOTHING;

  /** Whether an incomplete part is left. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** Whether a body's size is complete. */
  get hasSize(): boolean {
    return this.#bytes.length >= SIZE_BYTES;
  }

  add(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Copies an incomplete part, so that the chunk's memory can be freed. */
  settle(): void {
    this.#bytes = this.#bytes.length === 0 ? NOTHING : Buffer.from(this.#bytes);
  }

  /** The first bytes of a connection; undefined while there are too few. */
  magic(): string | undefined {
    return this.#bytes.length < MAGIC_BYTES
      ? undefined
      : this.#take(MAGIC_BYTES).toString('latin1');
  }

  /** The next line without surrounding space. Shape: a character for each byte. */
  line(): string | InvalidPart | undefined {
    const end = this.#bytes.indexOf(NEWLINE);
    const size = end === -1 ? this.#bytes.length : end;
    if (size > LINE_BYTES_MAX) {
      return new InvalidPart('E_INVALID', `line is longer than ${LINE_BYTES_MAX} bytes`);
    }
    if (end === -1) return undefined;
    return trimmed(this.#take(end + 1).toString('latin1'));
  }

  /** The next body. */
  body(): Buffer | InvalidPart | undefined {
    if (!this.hasSize) return undefined;
    const size = readInt32(this.#bytes, 0);
    if (size < 0) return new InvalidPart('E_BAD_BODY', `IDENTIFY invalid body size ${size}`);
    if (size > BODY_BYTES_MAX) {
      return new InvalidPart('E_BAD_BODY', `IDENTIFY body too big ${size} > ${BODY_BYTES_MAX}`);
    }
    if (this.#bytes.length < SIZE_BYTES + size) return undefined;
    return this.#take(SIZE_BYTES + size).subarray(SIZE_BYTES);
  }

  #take(size: number): Buffer {
    const taken = this.#bytes.subarray(0, size);
    this.#bytes = this.#bytes.subarray(size);
    return taken;
  }
}

/** Without surrounding ASCII space. */
function trimmed(line: string): string {
  return line.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, '');
}
