/**
 * Validates options from users.
 *
 * Errors: all throw an NsqError, INVALID_OPTION, that names the option.
 * Thread: any.
 */

import { valueText } from '../shared/error-text.ts';
import { NsqError } from './nsq-error.ts';

/** An options object, not validated. */
type Options = Readonly<Record<string, unknown>>;

/** Reads options by name, with validation. */
export class OptionChecks {
  readonly #options: Options;

  /** Throws if there is an unknown option. */
  constructor(options: object, known: readonly string[]) {
    if (typeof options !== 'object' || options === null) {
      throw invalid('options', `${valueText(options)} is not an object`);
    }
    // the values are unknown until they are read
    this.#options = options as Options;
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) throw invalid(name, 'there is no such option');
    }
  }

  /** An integer within a range. */
  integer(name: string, byDefault: number, min: number, max: number): number {
    const value = this.#options[name] ?? byDefault;
    if (!Number.isInteger(value)) throw invalid(name, `${valueText(value)} is not a whole number`);
    return this.#within(name, Number(value), min, max);
  }

  /** A number within a range; infinity is allowed. */
  number(name: string, byDefault: number, min: number, max: number): number {
    const value = this.#options[name] ?? byDefault;
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw invalid(name, `${valueText(value)} is not a number`);
    }
    return this.#within(name, value, min, max);
  }

  /** An integer within a range, or undefined if missing. */
  optionalInteger(name: string, min: number, max: number): number | undefined {
    return this.#options[name] === undefined ? undefined : this.integer(name, min, min, max);
  }

  boolean(name: string, byDefault: boolean): boolean {
    const value = this.#options[name] ?? byDefault;
    if (typeof value !== 'boolean')
      throw invalid(name, `${valueText(value)} is neither true nor false`);
    return value;
  }

  /** A non-empty text, or undefined if missing. */
  optionalText(name: string): string | undefined {
    const value = this.#options[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') throw invalid(name, 'it is not a text');
    return value;
  }

  /** An array of texts, possibly empty. */
  texts(name: string): readonly string[] {
    const value = this.#options[name] ?? [];
    if (!Array.isArray(value)) throw invalid(name, 'it is not an array');
    // Each element is validated.
    return value.map((text: unknown) => {
      if (typeof text === 'string') return text;
      throw invalid(name, `${valueText(text)} is not a text`);
    });
  }

  #within(name: string, value: number, min: number, max: number): number {
    if (value < min || value > max) throw invalid(name, `${value} is not from ${min} to ${max}`);
    return value;
  }
}

/** The error for an invalid option. */
export function invalid(name: string, what: string): NsqError {
  return new NsqError('INVALID_OPTION', `option ${name}: ${what}`, { option: name });
}
