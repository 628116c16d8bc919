/**
 * Counts and limits the connections of clients, over TCP, HTTP and HTTPS together.
 *
 * Bound: `max`, plus a few for HTTP only, so that an operator can reach `/stats` while clients use all of them.
 * Further clients are refused and logged, at most once a second.
 *
 * Thread: main. Source: nsqd has no such bound and fails to accept when descriptors run out.
 */

import type { Clock } from '../shared/clock.ts';
import type { Logger } from './log.ts';
import { RepeatedLog } from './repeated-log.ts';

/** The protocol of a client. */
export type ConnectionKind = 'TCP' | 'HTTP';

/** Additional connections for HTTP only. */
const HTTP_EXTRA = 16;

export class ConnectionLimit {
  readonly max: number;

  readonly #refusals: RepeatedLog;
  readonly #failures: RepeatedLog;
  #count = 0;
  #refusedCount = 0;

  /** Units: `max` may be infinite. */
  constructor(max: number, clock: Clock, logger: Pick<Logger, 'warn' | 'error'>) {
    this.max = max;
    this.#refusals = new RepeatedLog(clock, (text) => logger.warn(text));
    this.#failures = new RepeatedLog(clock, (text) => logger.error(text));
  }

  /** Open connections. */
  get count(): number {
    return this.#count;
  }

  /** Connections that were refused, or that the system could not accept. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Admits a connection if possible; an admitted one must `leave`. */
  tryEnter(kind: ConnectionKind): boolean {
    const max = kind === 'HTTP' ? this.max + HTTP_EXTRA : this.max;
    if (this.#count >= max) {
      this.#refusedCount++;
      this.#refusals.note(
        `${kind}: refused a client - there are ${this.#count} connections, which is the limit`,
      );
      return false;
    }
    this.#count++;
    return true;
  }

  leave(): void {
    this.#count--;
  }

  /** The system failed to accept a connection, for example because no descriptors are left. The broker continues. */
  noteFailure(kind: ConnectionKind, error: Error): void {
    this.#refusedCount++;
    this.#failures.note(`failed to accept ${kind} connection - ${error.message}`);
  }
}
