/**
 * Commands of the TCP protocol as bytes.
 *
 * Thread: any.
 */

export const MAGIC = '  V2';

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

/** A line with a sized body behind it: PUB, DPUB, IDENTIFY, AUTH. */
export function withBody(line: string, body: string): Buffer {
  return wire(`${line}\n`, body.length, body);
}

export function pub(topic: string, body: string): Buffer {
  return withBody(`PUB ${topic}`, body);
}

export function mpub(topic: string, ...bodies: readonly string[]): Buffer {
  const messages = wire(...bodies.flatMap((body) => [body.length, body]));
  return wire(`MPUB ${topic}\n`, messages.length + 4, bodies.length, messages);
}

export function identify(fields: Readonly<Record<string, unknown>>): Buffer {
  return withBody('IDENTIFY', JSON.stringify(fields));
}
