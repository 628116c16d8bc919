/**
 * What is wrong with a text that is not JSON, in the words of Go's `encoding/json`.
 *
 * Thread: any (pure). Source: Go's `json.Decoder`, which reads one value and leaves what follows it.
 */

import { goQuote } from './go-text.ts';

/** The outcome: where the first value ends, or what is wrong with it. */
type JsonScan = { readonly end: number } | { readonly fault: string };

/** The text ends before its first value begins. */
const EMPTY = 'EOF';
const CUT = 'unexpected EOF';
const SPACE = /[ \t\r\n]/;
const LITERALS = ['true', 'false', 'null'];
const SHORT_ESCAPES = 'bfnrt\\/"';
const HEX = /[0-9a-fA-F]/;
const DIGIT = /[0-9]/;
/** Source: Go's `maxNestingDepth`. */
const DEPTH_MAX = 10_000;

class Fault extends Error {}

/** Reads the first value of a text. */
export function scanJson(text: string): JsonScan {
  const scan = new Scan(text);
  try {
    scan.value();
    return { end: scan.at };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message };
    throw error;
  }
}

class Scan {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Values are nested in a list rather than on the stack. */
  value(): void {
    const open: ('}' | ']')[] = [];
    if (this.#skipSpace() === '') throw new Fault(EMPTY);
    for (;;) {
      const first = this.#skipSpace();
      if (first === '{' || first === '[') {
        this.at++;
        const close = first === '{' ? '}' : ']';
        open.push(close);
        if (open.length > DEPTH_MAX) throw new Fault('exceeded max depth');
        const isEmpty = this.#skipSpace() === close;
        if (!isEmpty) {
          if (close === '}') this.#key();
          continue;
        }
      } else {
        this.#scalar(first);
      }
      if (this.#isDone(open)) return;
    }
  }

  /** Closes what ends here. Returns whether the first value is complete; else another value follows. */
  #isDone(open: ('}' | ']')[]): boolean {
    for (;;) {
      const close = open.at(-1);
      if (close === undefined) return true;
      const next = this.#skipSpace();
      if (next === close) {
        this.at++;
        open.pop();
        continue;
      }
      if (next !== ',') {
        this.#refuse(close === '}' ? 'after object key:value pair' : 'after array element');
      }
      this.at++;
      if (close === '}') this.#key();
      return false;
    }
  }

  #key(): void {
    if (this.#skipSpace() !== '"') this.#refuse('looking for beginning of object key string');
    this.#string();
    if (this.#skipSpace() !== ':') this.#refuse('after object key');
    this.at++;
  }

  #scalar(first: string): void {
    if (first === '"') {
      this.#string();
      return;
    }
    if (first === '-' || DIGIT.test(first)) {
      this.#number();
      return;
    }
    const literal = LITERALS.find((word) => word[0] === first);
    if (literal === undefined) this.#refuse('looking for beginning of value');
    for (const letter of literal ?? '') {
      if (this.#here() !== letter) {
        this.#refuse(`in literal ${literal} (expecting ${quoted(letter)})`);
      }
      this.at++;
    }
  }

  #string(): void {
    for (this.at++; this.#here() !== '"'; this.at++) {
      if (this.#here() < ' ') this.#refuse('in string literal');
      if (this.#here() !== '\\') continue;
      this.at++;
      if (this.#here() === 'u') {
        for (let count = 0; count < 4; count++) {
          this.at++;
          if (!HEX.test(this.#here())) this.#refuse('in \\u hexadecimal character escape');
        }
      } else if (this.#here() === '' || !SHORT_ESCAPES.includes(this.#here())) {
        this.#refuse('in string escape code');
      }
    }
    this.at++;
  }

  #number(): void {
    if (this.#here() === '-') this.at++;
    if (this.#here() === '0') this.at++;
    else this.#digits('in numeric literal');
    if (this.#here() === '.') {
      this.at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#here() === 'e' || this.#here() === 'E') {
      this.at++;
      if (this.#here() === '+' || this.#here() === '-') this.at++;
      this.#digits('in exponent of numeric literal');
    }
  }

  /** At least one. */
  #digits(place: string): void {
    if (!DIGIT.test(this.#here())) this.#refuse(place);
    while (DIGIT.test(this.#here())) this.at++;
  }

  /** The character here; empty at the end. */
  #here(): string {
    return this.#text.charAt(this.at);
  }

  #skipSpace(): string {
    while (SPACE.test(this.#here())) this.at++;
    return this.#here();
  }

  #refuse(place: string): never {
    if (this.#here() === '') throw new Fault(CUT);
    throw new Fault(`invalid character ${quoted(this.#here())} ${place}`);
  }
}

/** Source: Go's `quoteChar`. */
function quoted(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  return `'${goQuote(character).slice(1, -1)}'`;
}
