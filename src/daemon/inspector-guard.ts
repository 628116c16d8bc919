/**
 * Node's inspector lets everyone who reaches its port run code. It stays open only if Node's options ask for it, and
 * then the log warns.
 *
 * Thread: main.
 */

import inspector from 'node:inspector';
import type { Logger } from './log.ts';

/**
 * Closes an inspector that a signal opened before the broker listened for that signal; warns about one that Node's
 * options opened.
 */
export function guardInspector(logger: Pick<Logger, 'warn'>): void {
  const url = inspector.url();
  if (url === undefined) return;
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  if (options.some((option) => option.startsWith('--inspect'))) {
    logger.warn(
      `Node's inspector listens on ${url}: anyone who reaches it can run code in this broker`,
    );
    return;
  }
  inspector.close();
  logger.warn(`a signal had opened Node's inspector on ${url}; it is closed`);
}
