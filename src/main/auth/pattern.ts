/**
 * Patterns of names, as auth servers write them: RE2, whose matching time is linear in the name whatever the
 * pattern, and which has neither look-around nor back references.
 *
 * Thread: any. Source: Go's `regexp`.
 */

import { RE2JS } from 're2js';
import { goQuote } from '../../daemon/go/go-text.ts';
import { errorText } from '../../shared/error-text.ts';

/** Longest text of a pattern: reading one takes time that grows with it. */
const PATTERN_LENGTH_MAX = 1024;

/** Most Unicode classes in a pattern: folding the case of one takes up to a fifth of a millisecond. */
const CLASSES_MAX = 32;
const CLASS = /\\[pP]/g;

export class Pattern {
  readonly #regex: RE2JS;

  /** Errors: throws when the text is too long, has too many Unicode classes, or is not of RE2's syntax. */
  constructor(text: string) {
    if (text.length > PATTERN_LENGTH_MAX) {
      throw new Error(`a pattern of ${text.length} characters, ${PATTERN_LENGTH_MAX} at most`);
    }
    const classCount = text.match(CLASS)?.length ?? 0;
    if (classCount > CLASSES_MAX) {
      throw new Error(`a pattern of ${classCount} Unicode classes, ${CLASSES_MAX} at most`);
    }
    try {
      this.#regex = RE2JS.compile(text);
    } catch (cause) {
      throw new Error(`pattern ${goQuote(text)} cannot be used - ${errorText(cause)}`, { cause });
    }
  }

  /** Steps that looking for it takes at most for each character of a text. */
  get size(): number {
    return this.#regex.programSize();
  }

  /** Whether some part of the text matches; a pattern that means all of it says so with `^` and `$`. */
  isFoundIn(text: string): boolean {
    return this.#regex.matcher(text).find();
  }
}
