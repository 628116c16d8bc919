/**
 * How clients tell of errors that they deal with themselves: as events. Where nobody listens, the first error of each
 * code is a warning of the process, so that a wrong secret is not silent.
 *
 * Bound: one code each of those that brokers and clients know. Thread: any.
 */

import type { NsqError } from './nsq-error.ts';

/** Whoever has `error` events. */
export type ErrorEmitter = {
  listenerCount(event: 'error'): number;
  emit(event: 'error', error: NsqError): boolean;
};

const CODES_MAX = 64;

/** The reports of one client. */
export class ErrorReports {
  readonly #emitter: ErrorEmitter;
  readonly #name: string;
  readonly #warned = new Set<string>();

  constructor(emitter: ErrorEmitter, name: string) {
    this.#emitter = emitter;
    this.#name = name;
  }

  report(error: NsqError): void {
    // an emitter throws what nobody listens to
    if (this.#emitter.listenerCount('error') > 0) {
      this.#emitter.emit('error', error);
      return;
    }
    if (this.#warned.has(error.code) || this.#warned.size === CODES_MAX) return;
    this.#warned.add(error.code);
    process.emitWarning(`${this.#name}: ${error.message}`, {
      type: 'NsqWarning',
      code: error.code,
    });
  }
}
