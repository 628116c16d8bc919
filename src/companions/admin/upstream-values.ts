/**
 * Reads values of JSON from another program: a value that is missing or of another type is empty.
 *
 * Thread: any (pure).
 */

import { isJsonObject } from '../../daemon/go/json.ts';

/** The members of an object. */
export type Members = Readonly<Record<string, unknown>>;

/** A text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A number. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** An object. */
export function membersOf(value: unknown): Members {
  return isJsonObject(value) ? value : {};
}

/** A list of objects. */
export function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

/** A list of texts. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
