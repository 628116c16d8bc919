/**
 * Starts a broker in the program's process. It handles no signals, sets no exit code and writes no log: those belong to
 * the program.
 *
 * Thread: main.
 */

import os from 'node:os';
import { NsqError } from '../client/nsq-error.ts';
import { DataPathInUse } from '../daemon/data-lock.ts';
import { Guard } from '../daemon/guard.ts';
import { type LogEntries, Logger } from '../daemon/log.ts';
import { Nsqd } from '../main/nsqd.ts';
import { optionWarnings } from '../main/options/option-warnings.ts';
import { directoryPlatform } from '../main/storage/platform.ts';
import { SystemClock } from '../shared/clock.ts';
import { errorText } from '../shared/error-text.ts';
import { Broker } from './broker.ts';
import { type BrokerLog, type BrokerOptions, brokerSettings } from './broker-options.ts';
import { memoryPlatform } from './memory-platform.ts';

/**
 * Starts a broker. Resolves when it can be used.
 *
 * Errors: rejects with an NsqError, and leaves nothing behind: INVALID_OPTION with the `option`, DATA_PATH_IN_USE when
 * another broker has the directory, or START_FAILED with the reason.
 *
 * @example
 * ```ts
 * import { createBroker } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true, tcpAddress: '127.0.0.1:0' });
 * await broker.publish('orders', { id: 7 });
 * console.log(broker.topics.names()); // [ 'orders' ]
 * await broker.close();
 * ```
 */
export async function createBroker(options: BrokerOptions = {}): Promise<Broker> {
  const settings = brokerSettings(options);
  const clock = new SystemClock();
  const { logLevel: level } = settings.options;
  const logger = new Logger({ level, entries: entriesOf(settings.log) });
  for (const warning of optionWarnings(settings.options, os.hostname())) logger.warn(warning);
  const platform = settings.isInMemory
    ? memoryPlatform(clock)
    : directoryPlatform(settings.workers);
  const context = { logger, clock, guard: new Guard(clock, logger) };
  try {
    const nsqd = await Nsqd.start(settings.options, context, [], platform);
    return new Broker(nsqd, settings, logger, clock);
  } catch (cause) {
    if (cause instanceof DataPathInUse) {
      const details = { option: 'dataPath', cause };
      throw new NsqError('DATA_PATH_IN_USE', cause.message, details);
    }
    throw new NsqError('START_FAILED', errorText(cause), { cause });
  }
}

/** A program's log has no level above errors. */
function entriesOf(log: BrokerLog | null): LogEntries {
  let hasFailed = false;
  return {
    write: (level, text) => {
      try {
        log?.[level === 'fatal' ? 'error' : level](text);
      } catch (error) {
        // It costs the line, not the broker. The program is told once.
        if (!hasFailed) process.emitWarning(`the log of a broker failed: ${errorText(error)}`);
        hasFailed = true;
      }
    },
  };
}
