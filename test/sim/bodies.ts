/**
 * Message bodies that can be told apart, and the frames they come back in.
 *
 * Shape of a body: its key(4, big-endian), then bytes that follow from the key.
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { readUint32, writeUint32 } from '../../src/shared/big-endian.ts';

export const KEY_BYTES = 4;
const FRAME_BYTES_MIN = 8 + 26;

/** A message as a consumer receives it. */
export type DeliveredMessage = {
  readonly key: number;
  readonly attempts: number;
  readonly id: string;
  readonly bodyBytes: number;
};

/** Several bodies as in an MPUB: size(4) body, one after the other. */
export function encodeBodies(bodies: readonly { key: number; bytes: number }[]): Buffer {
  const total = bodies.reduce((sum, { bytes }) => sum + 4 + bytes, 0);
  const target = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { key, bytes } of bodies) {
    writeUint32(bytes, target, at);
    writeUint32(key, target, at + 4);
    target.fill(fillerOf(key), at + 4 + KEY_BYTES, at + 4 + bytes);
    at += 4 + bytes;
  }
  return target;
}

/** The keys of bodies as `encodeBodies` wrote them. */
export function keysOfBodies(source: Buffer, from: number, count: number): number[] {
  const keys: number[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    keys.push(readUint32(source, at + 4));
    at += 4 + readUint32(source, at);
  }
  return keys;
}

/** Splits frames, and checks every byte of the bodies. */
export function parseFrames(source: Buffer, from: number, end: number): DeliveredMessage[] {
  const messages: DeliveredMessage[] = [];
  let at = from;
  while (at < end) {
    const size = readUint32(source, at);
    assert.ok(size + 4 >= FRAME_BYTES_MIN + KEY_BYTES && at + 4 + size <= end, 'a whole frame');
    assert.equal(readUint32(source, at + 4), 2, 'a message frame');
    const body = at + FRAME_BYTES_MIN;
    const key = readUint32(source, body);
    checkFiller(source, body + KEY_BYTES, at + 4 + size, fillerOf(key));
    messages.push({
      key,
      attempts: source[at + 16] * 256 + source[at + 17],
      id: source.toString('latin1', at + 18, at + 34),
      bodyBytes: at + 4 + size - body,
    });
    at += 4 + size;
  }
  return messages;
}

/** An id's two words as text. */
export function idText(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function fillerOf(key: number): number {
  return (key * 31 + 7) & 0xff;
}

function checkFiller(source: Buffer, from: number, end: number, filler: number): void {
  for (let at = from; at < end; at++) {
    if (source[at] !== filler) assert.fail(`a body's byte ${at - from} is damaged`);
  }
}
