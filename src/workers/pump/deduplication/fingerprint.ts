/**
 * What makes two messages the same for `deduplicate`: their bodies, a field of the JSON object in them, or their first
 * bytes. A fingerprint is a hash of that, long enough that no two different messages ever share one.
 *
 * Thread: pump.
 */

import { atFirstUse } from '../../../shared/first-use.ts';

const crypto = atFirstUse(() => process.getBuiltinModule('node:crypto'));

/** The part of a message that is compared. Shape: a value of `deduplicate-key` in policies. */
export type DeduplicateKey = string;

/** Returns the fingerprint of a body. */
export type Fingerprint = (body: Uint8Array) => string;

/** Characters of a fingerprint, a byte each: 128 bits. */
export const FINGERPRINT_BYTES = 16;

const JSON_KEY = /^json:(.+)$/s;
const PREFIX_KEY = /^prefix:(\d+)$/;

/** How the bodies of a topic with that key are compared. */
export function fingerprintBy(key: DeduplicateKey): Fingerprint {
  const field = JSON_KEY.exec(key)?.[1];
  if (field !== undefined) return (body) => fingerprintOfField(body, field);
  const prefix = PREFIX_KEY.exec(key)?.[1];
  if (prefix === undefined) return fingerprintOf;
  const bytes = Number(prefix);
  return (body) => fingerprintOf(body.subarray(0, bytes));
}

function fingerprintOf(bytes: Uint8Array | string): string {
  return crypto().hash('sha256', bytes, 'latin1').slice(0, FINGERPRINT_BYTES);
}

/** A body without a usable field is compared whole. */
function fingerprintOfField(body: Uint8Array, field: string): string {
  const value = fieldOf(body, field);
  // The type keeps "7" and 7 apart, and both apart from whole bodies.
  return value === undefined ? fingerprintOf(body) : fingerprintOf(`${typeof value}:${value}`);
}

/** A text, a boolean, or a number that JSON gives back exactly; undefined for all else. */
function fieldOf(body: Uint8Array, field: string): string | number | boolean | undefined {
  let object: unknown;
  try {
    object = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
  } catch {
    // A body that is not JSON has no fields.
    return undefined;
  }
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, field)) {
    return undefined;
  }
  const value = (object as Readonly<Record<string, unknown>>)[field];
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  // Beyond this, different numbers in the text become the same double.
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}
