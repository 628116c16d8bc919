/** The contents of messages: equal bytes, random ones, JSON, or pieces of a file; the same for the same seed. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ArgumentError, type Option } from '../options.ts';

/** Equal bytes, random bytes, or JSON records; anything else is the name of a file. */
const KINDS = ['zeros', 'random', 'json'];
const DEFAULT_KIND = KINDS[0];
const SEED = 'payload';
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Shape: `payload` as given. */
export const PAYLOAD_OPTION: Option<string> = {
  word: 'KIND|FILE',
  initial: DEFAULT_KIND,
  initialText: DEFAULT_KIND,
  help:
    'contents of the messages: zeros (equal bytes, which compress well), random, json (records), or a file ' +
    'that is cut into messages',
  parse: (text, flag) => {
    if (!KINDS.includes(text)) readPayload(text, flag);
    return text;
  },
};

/** As many bodies of this size as requested. Errors: throws an `ArgumentError` for a file that cannot be used. */
export function payloadBodies(size: number, count: number, payload = DEFAULT_KIND): Buffer[] {
  const bytes = size * count;
  if (payload === 'json') return Array.from({ length: count }, (_, index) => record(index, size));
  return cut(allBytes(payload, bytes), size);
}

/** The same bodies as lines, without line ends in them. */
export function withoutNewlines(bodies: readonly Buffer[]): Buffer[] {
  return bodies.map((body) => body.map((byte) => (byte === NEWLINE ? SPACE : byte)) as Buffer);
}

function allBytes(payload: string, bytes: number): Buffer {
  if (payload === DEFAULT_KIND) return Buffer.alloc(bytes);
  if (payload === 'random') return seededBytes(SEED, bytes);
  const file = readPayload(payload, '--payload');
  const times = Math.ceil(bytes / file.length);
  return Buffer.concat(Array.from({ length: times }, () => file)).subarray(0, bytes);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const count = bytes.length / size;
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

/** A record with typical fields, padded with words. */
function record(index: number, size: number): Buffer {
  const [user, amount, word] = seededBytes(`${SEED}/${index}`, 3);
  const fields = {
    id: index,
    user: `user-${user}`,
    amount: amount / 100,
    state: word % 2 === 0 ? 'paid' : 'open',
  };
  const start = JSON.stringify({ ...fields, text: '' }).slice(0, -2);
  const filler = `lorem ipsum ${word} dolor sit amet ${user} consectetur `;
  const text = start.padEnd(Math.max(0, size - 2), filler);
  return Buffer.from(`${text}"}`.slice(-size).padStart(size));
}

function readPayload(file: string, flag: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ArgumentError(`${flag} is not one of ${KINDS.join(', ')}, nor a file: ${why}`);
  }
  if (bytes.length === 0) throw new ArgumentError(`${flag}: the file "${file}" is empty`);
  return bytes;
}

const WORD_BYTES = 4;

function seededBytes(seed: string, count: number): Buffer {
  return createHash('shake256', { outputLength: count }).update(seed).digest();
}

/** A generator of numbers from 0 to `below` (exclusive); the same for the same seed. */
export function seededNumbers(seed: number): (below: number) => number {
  let index = 0;
  return (below) => seededBytes(`${seed}/${index++}`, WORD_BYTES).readUInt32BE() % below;
}
