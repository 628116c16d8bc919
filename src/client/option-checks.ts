/**
 * Checks of the options that users hand in.
 *
 * Errors: all throw an NsqError, INVALID_OPTION, that names the option.
 * Thread: any.
 */

import { NsqError } from './nsq-error.ts';

/** What an object of options may hold. */
type Options = Readonly<Record<string, unknown>>;

/** The values of options by name, each checked. */
export class OptionChecks {
  readonly #options: Options;

  /** Throws when there is an option that is not among the known ones. */
  constructor(options: object, known: readonly string[]) {
    // a table of unknown values, each of which is checked
    this.#options = options as Options;
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) throw invalid(name, 'there is no such option');
    }
  }

  /** A whole number of a range. */
  integer(name: string, byDefault: number, min: number, max: number): number {
    const value = this.#options[name] ?? byDefault;
    if (!Number.isInteger(value)) throw invalid(name, `${String(value)} is not a whole number`);
    return this.#within(name, Number(value), min, max);
  }

  /** A number of a range; infinity is one. */
  number(name: string, byDefault: number, min: number, max: number): number {
    const value = this.#options[name] ?? byDefault;
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw invalid(name, `${String(value)} is not a number`);
    }
    return this.#within(name, value, min, max);
  }

  /** A whole number of a range, or undefined when it is not given. */
  optionalInteger(name: string, min: number, max: number): number | undefined {
    return this.#options[name] === undefined ? undefined : this.integer(name, min, min, max);
  }

  boolean(name: string, byDefault: boolean): boolean {
    const value = this.#options[name] ?? byDefault;
    if (typeof value !== 'boolean')
      throw invalid(name, `${String(value)} is neither true nor false`);
    return value;
  }

  /** A text that is not empty, or undefined when it is not given. */
  optionalText(name: string): string | undefined {
    const value = this.#options[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') throw invalid(name, 'it is not a text');
    return value;
  }

  /** Texts, of which there may be none. */
  texts(name: string): readonly string[] {
    const value = this.#options[name] ?? [];
    if (!Array.isArray(value)) throw invalid(name, 'it is not an array');
    // Each is checked.
    return value.map((text: unknown) => {
      if (typeof text === 'string') return text;
      throw invalid(name, `${String(text)} is not a text`);
    });
  }

  #within(name: string, value: number, min: number, max: number): number {
    if (value < min || value > max) throw invalid(name, `${value} is not from ${min} to ${max}`);
    return value;
  }
}

/** The error of an option that cannot be used. */
export function invalid(name: string, what: string): NsqError {
  return new NsqError('INVALID_OPTION', `option ${name}: ${what}`);
}
