/**
 * Whether an embedded broker is open, and which of the program's requests to it are pending.
 *
 * Without it a request to a broker that has ended would wait for threads that are gone.
 *
 * Thread: main.
 */

import type { NsqError } from '../client/nsq-error.ts';

export class BrokerLife {
  #ending: NsqError | null = null;
  /** Pending requests, by the functions that reject them. */
  readonly #pending = new Set<(error: NsqError) => void>();

  /** Errors: throws if the broker is closing, closed or has failed. */
  assertOpen(): void {
    if (this.#ending !== null) throw this.#ending;
  }

  /** From now on requests are refused with this error; a second one changes nothing. */
  end(error: NsqError): void {
    this.#ending ??= error;
  }

  /** The threads are gone: pending requests are rejected. */
  over(error: NsqError): void {
    this.end(error);
    for (const reject of [...this.#pending]) reject(error);
  }

  /** A request's outcome. Errors: rejects as the request does, or when the broker is gone before. */
  untilOver<T>(request: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#pending.add(reject);
    request.then(resolve, reject).finally(() => this.#pending.delete(reject));
    return promise;
  }
}
