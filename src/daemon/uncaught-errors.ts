/**
 * Handles uncaught errors.
 *
 * All input from outside is handled inside a `Guard`, so an uncaught error is a bug, after which the state of the
 * program cannot be trusted. The exception is an error of the network, which ends nothing.
 *
 * Thread: main.
 */

import { type Guard, stackText } from './guard.ts';
import type { Logger } from './log.ts';
import { atSources } from './source-frames.ts';

/** The source of errors; Node emits unhandled rejections in the same way. */
interface ErrorSource {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
}

/** System calls of the network. */
const NETWORK_CALLS: ReadonlySet<unknown> = new Set([
  'accept',
  'bind',
  'connect',
  'getaddrinfo',
  'getnameinfo',
  'listen',
  'recvmsg',
  'send',
  'shutdown',
]);
/** Error codes of connections. */
const NETWORK_CODES: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

export class UncaughtErrors {
  /** Resolves with the first bug, after it is logged. */
  readonly bug: Promise<Error>;

  readonly #resolve: (bug: Error) => void;
  readonly #logger: Pick<Logger, 'fatal'>;

  /** Starts listening. */
  constructor(
    guard: Pick<Guard, 'note'>,
    logger: Pick<Logger, 'fatal'>,
    source: ErrorSource = process,
  ) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.bug = promise;
    this.#resolve = resolve;
    this.#logger = logger;
    source.on('uncaughtException', (error) => {
      if (isOfNetwork(error)) {
        guard.note('an uncaught network error', error);
        return;
      }
      this.take(error);
    });
  }

  /** Reports a bug that a caller has caught and cannot handle. */
  take(error: unknown): void {
    this.#logger.fatal(`this is a bug in ringmq, which ends it - ${atSources(stackText(error))}`);
    this.#resolve(error instanceof Error ? error : new Error(String(error)));
  }
}

function isOfNetwork(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Only system errors have these properties.
  const { syscall, code } = error as NodeJS.ErrnoException;
  return NETWORK_CALLS.has(syscall) || (syscall !== undefined && NETWORK_CODES.has(code));
}
