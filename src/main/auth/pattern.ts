/**
 * Patterns of names, as auth servers write them: RE2, whose matching time is linear in the name whatever the
 * pattern, and which has neither look-around nor back references.
 *
 * Thread: any. Source: Go's `regexp`.
 */

import { RE2JS } from 're2js';
import { goQuote } from '../../daemon/go/go-text.ts';
import { errorText } from '../../shared/error-text.ts';

export class Pattern {
  readonly #regex: RE2JS;

  /** Errors: throws when the text is not of RE2's syntax. */
  constructor(text: string) {
    try {
      this.#regex = RE2JS.compile(text);
    } catch (cause) {
      throw new Error(`pattern ${goQuote(text)} cannot be used - ${errorText(cause)}`, { cause });
    }
  }

  /** Whether some part of the text matches; a pattern that means all of it says so with `^` and `$`. */
  isFoundIn(text: string): boolean {
    return this.#regex.matcher(text).find();
  }
}
