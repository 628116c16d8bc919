/**
 * Patterns of auth servers, in RE2's syntax, which has neither look-around nor back references. Matching time is
 * linear in the name for every pattern.
 *
 * Thread: any. Source: Go's `regexp`.
 */

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { goQuote } from '../../daemon/go/go-text.ts';
import { errorText } from '../../shared/error-text.ts';
import { atFirstUse } from '../../shared/first-use.ts';

const re2 = atFirstUse((): typeof import('re2js') => createRequire(import.meta.url)('re2js'));

/** Longest pattern, since the time to compile one grows with its length. */
const PATTERN_LENGTH_MAX = 1024;

/** Most Unicode classes in a pattern: case folding of one takes up to 0.2 ms. */
const CLASSES_MAX = 32;
const CLASS = /\\[pP]/g;

export class Pattern {
  readonly #regex: RE2JS;

  /** Errors: throws if the text is too long, has too many Unicode classes, or is not valid RE2 syntax. */
  constructor(text: string) {
    if (text.length > PATTERN_LENGTH_MAX) {
      throw new Error(`a pattern of ${text.length} characters, ${PATTERN_LENGTH_MAX} at most`);
    }
    const classCount = text.match(CLASS)?.length ?? 0;
    if (classCount > CLASSES_MAX) {
      throw new Error(`a pattern of ${classCount} Unicode classes, ${CLASSES_MAX} at most`);
    }
    try {
      this.#regex = re2().RE2JS.compile(text);
    } catch (cause) {
      throw new Error(`pattern ${goQuote(text)} cannot be used - ${errorText(cause)}`, { cause });
    }
  }

  /** The largest number of steps for each character of a text. */
  get size(): number {
    return this.#regex.programSize();
  }

  /** Whether a part of the text matches; to match the whole text a pattern uses `^` and `$`. */
  isFoundIn(text: string): boolean {
    return this.#regex.matcher(text).find();
  }
}
