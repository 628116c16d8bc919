/**
 * What the log says when a connection fails.
 *
 * Thread: main. Source: nsqd `protocolV2.IOLoop`, `tcpServer.Handle`.
 */

import type { Logger } from '../../daemon/log.ts';

/** Logs an error of the socket or of a layer. `isEnding`: the client has been ended, and nothing is read of it. */
export function logConnectionError(
  logger: Pick<Logger, 'error' | 'debug'>,
  client: { toString(): string },
  error: Error,
  isEnding: boolean,
): void {
  // A failed write is told by what it was for.
  const isWrite = 'syscall' in error && error.syscall === 'write';
  if (isEnding || isWrite) logger.debug(`client(${client}) - ${error.message}`);
  else logger.error(`client(${client}) - failed to read command - ${error.message}`);
}
