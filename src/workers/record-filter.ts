/**
 * Decides which messages a survey selects, from their bytes as disk records.
 *
 * Thread: any.
 */

import { readUint16, readUint32 } from '../shared/big-endian.ts';
import { MESSAGE_HEADER_BYTES, MESSAGE_ID_BYTES, SIZE_BYTES } from '../shared/limits.ts';
import type { MessageFacts, MessageFilter } from '../shared/message-survey.ts';

const ATTEMPTS_AT = SIZE_BYTES + 8;
const ID_AT = ATTEMPTS_AT + 2;
const BODY_AT = SIZE_BYTES + MESSAGE_HEADER_BYTES;
const NS_PER_MS = 1e6;

export class RecordFilter {
  readonly #ids: ReadonlySet<string> | null;
  readonly #sinceMs: number;
  readonly #match: Uint8Array | null;

  constructor({ ids, sinceMs, match }: MessageFilter) {
    this.#ids = ids === null ? null : new Set(ids);
    this.#sinceMs = sinceMs;
    this.#match = match;
  }

  /** Whether the record from `at` to `end` is selected, whatever its state. */
  accepts(bytes: Buffer, at: number, end: number): boolean {
    if (this.#ids !== null && !this.#ids.has(idOf(bytes, at))) return false;
    if (this.#sinceMs > 0 && publishedMs(bytes, at) < this.#sinceMs) return false;
    return this.#match === null || bytes.subarray(at + BODY_AT, end).includes(this.#match);
  }
}

/** Reads the record from `at` to `end`. The body is copied. */
export function messageFacts(
  bytes: Buffer,
  at: number,
  end: number,
  bodyMax: number,
): MessageFacts {
  const start = at + BODY_AT;
  return {
    id: idOf(bytes, at),
    publishedMs: publishedMs(bytes, at),
    attempts: readUint16(bytes, at + ATTEMPTS_AT),
    size: end - start,
    body: Buffer.from(bytes.subarray(start, Math.min(end, start + bodyMax))),
  };
}

function idOf(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at + ID_AT, at + ID_AT + MESSAGE_ID_BYTES);
}

/** Whole ms. */
function publishedMs(bytes: Buffer, at: number): number {
  const high = readUint32(bytes, at + SIZE_BYTES);
  const low = readUint32(bytes, at + SIZE_BYTES + 4);
  return Math.floor((high * 2 ** 32 + low) / NS_PER_MS);
}
