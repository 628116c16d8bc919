/**
 * Node's inspector runs any code for everybody who reaches its port. It is there only if it was asked for, and then the
 * log says so.
 *
 * Thread: main.
 */

import inspector from 'node:inspector';
import type { Logger } from './log.ts';

/**
 * Closes an inspector that a signal has opened, before anything listened for that signal; warns of one that options
 * of Node have opened.
 */
export function guardInspector(logger: Pick<Logger, 'warn'>): void {
  const url = inspector.url();
  if (url === undefined) return;
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  if (options.some((option) => option.startsWith('--inspect'))) {
    logger.warn(`Node's inspector listens on ${url}: who reaches it can run code in this broker`);
    return;
  }
  inspector.close();
  logger.warn(`a signal had opened Node's inspector on ${url}; it is closed`);
}
