/**
 * Commands of the V2 protocol as bytes.
 *
 * Thread: any.
 */

/** What a client sends first. */
export const MAGIC = Buffer.from('  V2');

/** A command without a body. */
export function line(...words: readonly (string | number)[]): Buffer {
  return Buffer.from(`${words.join(' ')}\n`, 'latin1');
}

export function pub(topic: string, body: string | Buffer): Buffer {
  return Buffer.concat([line('PUB', topic), sized(body)]);
}

export function dpub(topic: string, delayMs: number, body: string | Buffer): Buffer {
  return Buffer.concat([line('DPUB', topic, delayMs), sized(body)]);
}

export function mpub(topic: string, bodies: readonly (string | Buffer)[]): Buffer {
  const messages = Buffer.concat([int32(bodies.length), ...bodies.map(sized)]);
  return Buffer.concat([line('MPUB', topic), sized(messages)]);
}

export function identify(settings: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.concat([line('IDENTIFY'), sized(JSON.stringify(settings))]);
}

/** A body behind its size. */
export function sized(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([int32(bytes.length), bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
