/**
 * Bytes of the TCP protocol, composed of texts and numbers: whole commands or parts of one.
 *
 * Thread: any.
 */

/** Joins texts, bytes and 32-bit numbers. Characters of texts are bytes (latin1). */
export function wire(...parts: readonly (string | number | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      if (typeof part !== 'number') return part;
      const number = Buffer.alloc(4);
      number.writeInt32BE(part);
      return number;
    }),
  );
}

/** A line followed by a sized body: PUB, DPUB, IDENTIFY, AUTH. */
export function withBody(line: string, body: string): Buffer {
  return wire(`${line}\n`, body.length, body);
}
