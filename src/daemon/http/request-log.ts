/**
 * Logs a line for each request.
 *
 * Shape: `<status> <METHOD> <uri> (<remote>) <elapsed>`.
 * Thread: main.
 * Source: nsq `http_api.Log`.
 */

import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../shared/clock.ts';
import { formatDuration, NS_PER_MS } from '../go/go-duration.ts';
import type { Logger } from '../log.ts';
import { socketAddress } from '../remote-host.ts';

const OK = 200;
/** Paths that monitoring polls: only failed requests are logged. */
const POLLED: ReadonlySet<string> = new Set(['/ping', '/stats', '/metrics', '/livez', '/readyz']);

export class RequestLog {
  readonly #logger: Logger;
  readonly #clock: Clock;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** The monotonic clock. Units: ms. */
  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Logs that a request that arrived at `startMs` has been answered. */
  write(request: IncomingMessage, status: number, startMs: number): void {
    const level = status === OK && isPolled(request) ? 'debug' : 'info';
    if (!this.#logger.isWritten(level)) return;
    const elapsedNs = Math.round((this.nowMs() - startMs) * NS_PER_MS);
    const { method, url, socket } = request;
    const remote = socketAddress(socket);
    this.#logger[level](`${status} ${method} ${url} (${remote}) ${formatDuration(elapsedNs)}`);
  }
}

function isPolled({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && POLLED.has(url.split('?', 1)[0]);
}
