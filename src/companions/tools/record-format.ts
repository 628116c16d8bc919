/**
 * How a message is written to a file or to standard output.
 *
 * Thread: any (pure).
 */

import type { Message } from '../../client/client.ts';

/** The formats, the original's first. */
export const RECORD_FORMATS = ['lines', 'ndjson', 'raw', 'length'] as const;

/**
 * `lines`: the body and a line end. `ndjson`: an object with topic, id, timestamp, attempts and body. `raw`: the body
 * alone. `length`: the body after its size, 4 bytes, big-endian.
 */
export type RecordFormat = (typeof RECORD_FORMATS)[number];

/** Whether a record of the format ends with a line end, which shows that it is complete. */
export function hasLines(format: RecordFormat): boolean {
  return format === 'lines' || format === 'ndjson';
}

/** The parts of a message that are written. */
export type Recorded = Pick<Message, 'topic' | 'id' | 'timestamp' | 'attempts' | 'body'>;

const LINE_END = Buffer.from('\n');
const LENGTH_BYTES = 4;

/** Adds a message to pieces that are written one after the other. Returns its size in bytes. */
export function pushRecord(pieces: Buffer[], message: Recorded, format: RecordFormat): number {
  const { body } = message;
  switch (format) {
    case 'lines':
      pieces.push(body, LINE_END);
      return body.length + LINE_END.length;
    case 'raw':
      pieces.push(body);
      return body.length;
    case 'length': {
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt32BE(body.length);
      pieces.push(length, body);
      return LENGTH_BYTES + body.length;
    }
    case 'ndjson': {
      const line = Buffer.from(`${JSON.stringify(jsonRecord(message))}\n`);
      pieces.push(line);
      return line.length;
    }
  }
}

/** A body that is not UTF-8 is written in base64, as `body_base64`. Units: `timestamp` ns, as a string of digits. */
function jsonRecord({ topic, id, timestamp, attempts, body }: Recorded): object {
  const record = { topic, id, timestamp: timestamp.toString(), attempts };
  const text = body.toString();
  return Buffer.from(text).equals(body)
    ? { ...record, body: text }
    : { ...record, body_base64: body.toString('base64') };
}
