/**
 * The commands of the V2 protocol as bytes, as a client sends them.
 *
 * Shape: a line that ends with a newline; PUB, DPUB, MPUB, IDENTIFY and AUTH have a body after it, led by its size in
 * 4 bytes, big-endian. Thread: any. Source: go-nsq `command.go`.
 */

import { writeUint32 } from '../shared/big-endian.ts';

const SIZE_BYTES = 4;

/** The first bytes that a client sends. */
export const MAGIC = Buffer.from('  V2');

/** The answer to a heartbeat. */
export const NOP = Buffer.from('NOP\n');

/** A command without a body, or the line in front of one. Characters are bytes (latin1). */
export function line(...words: readonly (string | number)[]): Buffer {
  return Buffer.from(`${words.join(' ')}\n`, 'latin1');
}

/** A message for a topic. */
export function pub(topic: string, body: string | Buffer): Buffer {
  return Buffer.concat([line('PUB', topic), sized(body)]);
}

/** A message that is delivered later. Units: `delayMs` in ms, from when the broker receives it. */
export function dpub(topic: string, delayMs: number, body: string | Buffer): Buffer {
  return Buffer.concat([line('DPUB', topic, delayMs), sized(body)]);
}

/** Several messages for a topic. */
export function mpub(topic: string, bodies: readonly (string | Buffer)[]): Buffer {
  const messages = Buffer.concat([uint32(bodies.length), ...bodies.map(sized)]);
  return Buffer.concat([line('MPUB', topic), sized(messages)]);
}

/** `fields` as in the protocol: `client_id`, `feature_negotiation`, … */
export function identify(fields: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.concat([line('IDENTIFY'), sized(JSON.stringify(fields))]);
}

/** A body after its size. */
export function sized(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(SIZE_BYTES);
  writeUint32(value, bytes, 0);
  return bytes;
}
