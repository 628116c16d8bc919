/**
 * Reports errors that clients handle themselves, as events. Without a listener, the first error of each code becomes
 * a process warning, so that for example a wrong secret is noticed.
 *
 * Bound: one entry per error code. Thread: any.
 */

import type { NsqError } from './nsq-error.ts';

/** An emitter of `error` events. */
export type ErrorEmitter = {
  listenerCount(event: 'error'): number;
  emit(event: 'error', error: NsqError): boolean;
};

const CODES_MAX = 64;

/** The reports of one client. */
export class ErrorReports {
  readonly #emitter: ErrorEmitter;
  readonly #name: () => string;
  /** Codes. Null before the first: most clients never have one. */
  #warned: Set<string> | null = null;

  /** `name` is called only if there is something to report. */
  constructor(emitter: ErrorEmitter, name: () => string) {
    this.#emitter = emitter;
    this.#name = name;
  }

  report(error: NsqError): void {
    // an emitter throws an error that has no listener
    if (this.#emitter.listenerCount('error') > 0) {
      this.#emitter.emit('error', error);
      return;
    }
    this.#warned ??= new Set();
    if (this.#warned.has(error.code) || this.#warned.size === CODES_MAX) return;
    this.#warned.add(error.code);
    process.emitWarning(`${this.#name()}: ${error.message}`, {
      type: 'NsqWarning',
      code: error.code,
    });
  }
}
