/**
 * Runs a broker as a program: from its command line to its exit code.
 *
 * Thread: main.
 */

import { SystemClock } from '../shared/clock.ts';
import { errorText } from './error-text.ts';
import { Logger } from './log.ts';
import { Nsqd } from './nsqd.ts';
import { parseCommandLine, type Surroundings } from './options/command-line.ts';
import type { Options } from './options/options.ts';
import { StderrSink } from './stderr-sink.ts';

const LOG_PREFIX_DEFAULT = '[nsqd] ';
/**
 * Signals that come this soon after the first are the same key press: a terminal signals every process of its
 * group, and a package manager passes the signal on once more.
 */
const SAME_SIGNAL_MS = 500;

/** Runs until the broker has ended, and ends the process. */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<void> {
  const command = parseCommandLine(words, surroundings);
  switch (command.kind) {
    case 'print':
      process[command.stream].write(command.text);
      process.exitCode = command.exitCode;
      return;
    case 'fatal':
      makeLogger(LOG_PREFIX_DEFAULT, 'info').fatal(command.reason);
      process.exitCode = 1;
      return;
    case 'run':
      process.exit(await runBroker(command.options));
  }
}

/** Returns the exit code. */
async function runBroker(options: Options): Promise<number> {
  const clock = new SystemClock();
  const logger = makeLogger(options.logPrefix, options.logLevel);
  const signalled = firstSignal(clock, logger);
  let nsqd: Nsqd;
  try {
    nsqd = await Nsqd.start(options, logger, clock);
  } catch (error) {
    logger.fatal(`failed to instantiate nsqd - ${errorText(error)}`);
    return 1;
  }
  const outcome = await Promise.race([signalled, nsqd.failed]);
  if (outcome instanceof Error) {
    logger.fatal(outcome.message);
    return 1;
  }
  logger.info(`received ${outcome}, ending`);
  try {
    await nsqd.close();
    return 0;
  } catch (error) {
    logger.fatal(errorText(error));
    return 1;
  }
}

/** Resolves with the first signal; a second one ends the process at once. */
function firstSignal(clock: SystemClock, logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs = Number.POSITIVE_INFINITY;
    const onSignal = (signal: NodeJS.Signals): void => {
      const nowMs = clock.monotonicMs();
      if (firstMs === Number.POSITIVE_INFINITY) {
        firstMs = nowMs;
        resolve(signal);
      } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
        logger.fatal(`received a second ${signal}, ending at once; what is in memory is lost`);
        process.exit(1);
      }
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function makeLogger(prefix: string, level: Options['logLevel']): Logger {
  return new Logger({
    prefix,
    level,
    sink: new StderrSink(process.stderr),
    clock: new SystemClock(),
  });
}
