/**
 * Logs connection failures.
 *
 * Thread: main. Source: nsqd `protocolV2.IOLoop`, `tcpServer.Handle`.
 */

import type { Logger } from '../../daemon/log.ts';

/** Logs an error of the socket or of a layer. `isEnding`: the connection is closing and not read any more. */
export function logConnectionError(
  logger: Pick<Logger, 'error' | 'debug'>,
  client: { toString(): string },
  error: Error,
  isEnding: boolean,
): void {
  // Only a failure to read is an error in nsqd's log.
  const isWrite = 'syscall' in error && error.syscall === 'write';
  if (isEnding || isWrite) logger.debug(`client(${client}) - ${error.message}`);
  else logger.error(`client(${client}) - failed to read command - ${error.message}`);
}
