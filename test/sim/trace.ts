/**
 * The events of a simulation, line by line, as one hash: two runs of a seed must have the same one.
 *
 * Thread: any.
 */

import { createHash } from 'node:crypto';

export class Trace {
  readonly #hash = createHash('sha1');
  readonly #print: ((line: string) => void) | undefined;
  /** The last lines, for the report of a failure. */
  readonly #tail: string[] = [];

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  add(line: string): void {
    this.#hash.update(line).update('\n');
    if (this.#print !== undefined) this.#print(line);
    this.#tail.push(line);
    if (this.#tail.length > 40) this.#tail.shift();
  }

  get tail(): readonly string[] {
    return this.#tail;
  }

  /** Ends the trace. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
