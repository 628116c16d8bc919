/**
 * The net under the program: what nobody has caught.
 *
 * Everything from outside is handled inside of a `Guard`, so what comes here is a bug of ours, after which nobody
 * knows what the program's state is worth; only an error of the network says nothing about it, and ends nothing.
 *
 * Thread: main.
 */

import { type Guard, stackText } from './guard.ts';
import type { Logger } from './log.ts';

/** What errors come from; Node reports rejections that nobody handles in the same way. */
interface ErrorSource {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
}

/** Calls of the system that speak to others. */
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
/** Codes of errors that a connection has. */
const NETWORK_CODES: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

export class UncaughtErrors {
  /** Resolves with the first bug, which is logged by then. */
  readonly bug: Promise<Error>;

  /** Listens from now on. */
  constructor(
    guard: Pick<Guard, 'note'>,
    logger: Pick<Logger, 'fatal'>,
    source: ErrorSource = process,
  ) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.bug = promise;
    source.on('uncaughtException', (error) => {
      if (isOfNetwork(error)) {
        guard.note('an error of the network that nobody has caught', error);
        return;
      }
      logger.fatal(`this is a bug in ringmq, which ends it - ${stackText(error)}`);
      resolve(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

function isOfNetwork(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Errors of the system have these; of others they are undefined.
  const { syscall, code } = error as NodeJS.ErrnoException;
  return NETWORK_CALLS.has(syscall) || (syscall !== undefined && NETWORK_CODES.has(code));
}
