/**
 * Splits a stream of bytes at a delimiter. Empty records are left out; the last one needs no delimiter.
 *
 * Bound: `maxBytes` of an incomplete record. Thread: any.
 * Source: to_nsq `readAndPublish`, which loses the last byte of a record without a delimiter.
 */

import { Fatal } from './tool.ts';

export class RecordSplitter {
  readonly #delimiter: number;
  readonly #maxBytes: number;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(delimiter: number, maxBytes: number) {
    this.#delimiter = delimiter;
    this.#maxBytes = maxBytes;
  }

  /** The records that end in this chunk; they share its memory. Errors: throws a `Fatal`. */
  split(chunk: Buffer): Buffer[] {
    const records: Buffer[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(this.#delimiter, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (part.length > 0) {
        this.#rest.push(part);
        this.#restBytes += part.length;
      }
      if (this.#restBytes > this.#maxBytes) {
        throw new Fatal(`a record has more than ${this.#maxBytes} bytes`);
      }
      if (end === -1) return records;
      const record = this.end();
      if (record !== null) records.push(record);
      start = end + 1;
    }
  }

  /** The last record, which has no delimiter; null if it is empty. */
  end(): Buffer | null {
    const parts = this.#rest;
    if (parts.length === 0) return null;
    this.#rest = [];
    this.#restBytes = 0;
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }
}
