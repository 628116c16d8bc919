/**
 * Disk records and queue files as a test writes and reads them: written from the description of the format, without
 * code of the broker, so that neither can hide the other's mistake.
 *
 * Thread: any.
 */

/** A message as it is on disk. */
export interface DiskMessage {
  readonly timestampNs: bigint;
  readonly attempts: number;
  readonly id: string;
  readonly body: string;
}

/** The contents of a queue's files between the positions in its metadata. */
export interface QueueContent {
  readonly metadata: string;
  readonly depth: number;
  readonly messages: readonly DiskMessage[];
  /** All deviations of the files from the format. */
  readonly problems: readonly string[];
}

/** Read access to a directory, real or in memory. */
export interface FileSource {
  readonly names: readonly string[];
  readonly content: (name: string) => Buffer;
}

/** The record of the message with this number, with its own body. */
export function diskRecord(number: number, body: string): Buffer {
  const bodyBytes = Buffer.from(body);
  const record = Buffer.alloc(30 + bodyBytes.length);
  record.writeInt32BE(26 + bodyBytes.length, 0);
  record.writeBigInt64BE(1_700_000_000_000_000_000n + BigInt(number), 4);
  record.writeUInt16BE(number % 65536, 12);
  record.write(number.toString(16).padStart(16, '0'), 14, 'latin1');
  bodyBytes.copy(record, 30);
  return record;
}

/** Splits bytes into messages. Errors: throws if the bytes are not whole records. */
export function parseRecords(bytes: Buffer): DiskMessage[] {
  const messages: DiskMessage[] = [];
  let at = 0;
  while (at < bytes.length) {
    const size = bytes.readInt32BE(at);
    if (size < 26 || at + 4 + size > bytes.length) throw new Error(`no record at ${at}`);
    messages.push(parseMessage(bytes.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return messages;
}

/** Walks through a queue's files from the read to the write position. */
export function readQueueFiles(
  source: FileSource,
  queue: string,
  maxBytes = Infinity,
): QueueContent {
  const problems: string[] = [];
  // A queue without files needs no metadata; a temporary file that a full disk has left does not count.
  const isOfQueue = (name: string): boolean =>
    name.startsWith(`${queue}.diskqueue.`) && name.endsWith('.dat');
  if (!source.names.some(isOfQueue)) {
    return { metadata: '', depth: 0, messages: [], problems };
  }
  const metadata = source.content(`${queue}.diskqueue.meta.dat`).toString('latin1');
  const match = /^(\d+)\n(\d+),(\d+)\n(\d+),(\d+)\n$/.exec(metadata);
  if (match === null) return { metadata, depth: -1, messages: [], problems: ['not metadata'] };
  const [depth, readSegment, readPosition, writeSegment, writePosition] = match
    .slice(1)
    .map(Number);
  const messages: DiskMessage[] = [];
  for (let segment = readSegment; segment <= writeSegment; segment++) {
    const name = `${queue}.diskqueue.${String(segment).padStart(6, '0')}.dat`;
    if (!source.names.includes(name)) {
      if (segment < writeSegment || writePosition > 0) problems.push(`${name} is missing`);
      continue;
    }
    const content = source.content(name);
    const start = segment === readSegment ? readPosition : 0;
    const end = segment === writeSegment ? writePosition : content.length;
    if (segment === writeSegment && content.length !== end)
      problems.push(`${name}: size is not ${end}`);
    try {
      messages.push(...parseRecords(content.subarray(start, end)));
      const count = parseRecords(content).length;
      if (content.length > maxBytes && count > 1) problems.push(`${name} is too long`);
    } catch (error) {
      problems.push(`${name}: ${String(error)}`);
    }
  }
  if (depth !== messages.length) problems.push(`depth ${depth}, but ${messages.length} records`);
  return { metadata, depth, messages, problems };
}

/** A message as it is after its size field. */
export function parseMessage(bytes: Buffer): DiskMessage {
  return {
    timestampNs: bytes.readBigInt64BE(0),
    attempts: bytes.readUInt16BE(8),
    id: bytes.toString('latin1', 10, 26),
    body: bytes.toString('utf8', 26),
  };
}
