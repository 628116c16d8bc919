/**
 * Messages as they are published, delivered and stored: written from the description of the protocol, without code of
 * the broker, so that neither can hide the other's mistake.
 *
 * Thread: any.
 */

/** A message as a client receives it. */
export interface FrameMessage {
  readonly timestampNs: bigint;
  readonly attempts: number;
  readonly id: string;
  readonly body: string;
}

/** The body of an MPUB after its count: size and bytes of each message. */
export function publishedBytes(bodies: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [];
  for (const body of bodies) {
    const bytes = Buffer.from(body);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    parts.push(size, bytes);
  }
  return Buffer.concat(parts);
}

/** A disk record: size, timestamp, attempts, id, body. */
export function recordBytes(
  timestampNs: bigint,
  attempts: number,
  id: string,
  body: string | Buffer,
): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(30);
  head.writeUInt32BE(26 + bytes.length, 0);
  head.writeBigUInt64BE(timestampNs, 4);
  head.writeUInt16BE(attempts, 12);
  head.write(id, 14, 'latin1');
  return Buffer.concat([head, bytes]);
}

/** A frame with a message: a disk record after a frame's size and type. */
export function frameBytes(
  timestampNs: bigint,
  attempts: number,
  id: string,
  body: string | Buffer,
): Buffer {
  const message = recordBytes(timestampNs, attempts, id, body).subarray(4);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4 + message.length, 0);
  head.writeUInt32BE(2, 4);
  return Buffer.concat([head, message]);
}

/** Splits bytes into message frames. Errors: throws if the bytes are not whole frames. */
export function parseFrames(bytes: Buffer): FrameMessage[] {
  const messages: FrameMessage[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (bytes.readUInt32BE(at + 4) !== 2 || end > bytes.length)
      throw new Error(`no frame at ${at}`);
    messages.push({
      timestampNs: bytes.readBigUInt64BE(at + 8),
      attempts: bytes.readUInt16BE(at + 16),
      id: bytes.toString('latin1', at + 18, at + 34),
      body: bytes.toString('latin1', at + 34, end),
    });
  }
  return messages;
}

/** Splits bytes into disk records. */
export function parseRecords(bytes: Buffer): FrameMessage[] {
  const messages: FrameMessage[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    messages.push({
      timestampNs: bytes.readBigUInt64BE(at + 4),
      attempts: bytes.readUInt16BE(at + 12),
      id: bytes.toString('latin1', at + 14, at + 30),
      body: bytes.toString('latin1', at + 30, at + 4 + bytes.readUInt32BE(at)),
    });
  }
  return messages;
}

/** An id of 16 hex digits as its two words. */
export function idWords(id: string): [high: number, low: number] {
  return [Number.parseInt(id.slice(0, 8), 16), Number.parseInt(id.slice(8), 16)];
}

/** Two words as 16 hex digits. */
export function idText(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
