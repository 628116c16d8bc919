/**
 * `ringmq multi`: from its command line to its exit code.
 *
 * Thread: main.
 */

import os from 'node:os';
import { Guard } from '../../daemon/guard.ts';
import { guardInspector } from '../../daemon/inspector-guard.ts';
import { Logger } from '../../daemon/log.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { exitProcess } from '../../daemon/process-end.ts';
import { ServiceNotifier } from '../../daemon/service-notifier.ts';
import { StderrSink } from '../../daemon/stderr-sink.ts';
import { UncaughtErrors } from '../../daemon/uncaught-errors.ts';
import {
  type BrokerLine,
  type BrokerLineOptions,
  readBrokerLine,
} from '../../offline/broker-line.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { readGivenTextSync } from '../../shared/given-file.ts';
import { BAD_USAGE_CODE, type Companion, DONE_CODE } from '../companion.ts';
import { FAILED_CODE, ignoreSignals } from '../server-line.ts';
import { launchChild } from './child-program.ts';
import { namedLine } from './line-splitter.ts';
import { Multi } from './multi.ts';
import { type MultiOptions, readMultiLine } from './multi-options.ts';

const LOG_PREFIX = '[multi] ';
const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];
const RELOAD_SIGNAL: NodeJS.Signals = 'SIGHUP';

/** Runs until all brokers have ended. Resolves with the exit code. */
export const runMulti: Companion = async (words, { stdout, stderr, env }) => {
  const machine = { hostname: os.hostname(), parallelism: os.availableParallelism() };
  const line = readMultiLine(words, machine);
  if (line instanceof InvalidValue) {
    stderr(`${line.why}\nringmq multi --help shows how to use it\n`);
    return BAD_USAGE_CODE;
  }
  if (line.kind === 'help') {
    stdout(line.text);
    return DONE_CODE;
  }
  const broker = readBrokerLine(line.brokerWords, { ...machine, readFile: readGivenTextSync });
  switch (broker.kind) {
    case 'print':
      stderr(broker.stderr);
      stdout(broker.stdout);
      return broker.exitCode;
    case 'help':
      stdout(broker.text);
      return DONE_CODE;
    case 'fatal':
      loggerOf().fatal(broker.reason);
      return FAILED_CODE;
    case 'run':
      return serve(line.options, broker, line.brokerWords, env);
  }
};

async function serve(
  own: MultiOptions,
  { options, configPath, stray }: BrokerLine & { kind: 'run' },
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const clock = new SystemClock();
  const sink = new StderrSink(process.stderr);
  const logger = loggerOf(options, sink);
  const [first] = stray;
  if (first !== undefined) {
    // The later of two flags would win, so flags that differ between brokers come last.
    logger.fatal(`${JSON.stringify(first)} is not a flag: a switch takes its value after "="`);
    return FAILED_CODE;
  }
  ignoreSignals();
  const guard = new Guard(clock, logger);
  const { bug } = new UncaughtErrors(guard, logger);
  const setup = { own, options, words, env, launch: launchChild, clock, guard, logger };
  const onLine = (name: string, line: string): void => sink.write(namedLine(name, line));
  const multi = new Multi({ ...setup, onLine });
  passSignals(multi, logger, doesReload(options, configPath));
  try {
    await multi.start();
  } catch (error) {
    logger.fatal(`failed to start - ${errorText(error)}`);
    return exitProcess(FAILED_CODE);
  }
  const notifier = new ServiceNotifier({
    environment: process.env,
    pid: process.pid,
    clock,
    logger,
  });
  notifier.ready();
  guardInspector(logger);
  // The brokers end cleanly when this process is gone.
  const code = await Promise.race([multi.ended, bug.then(() => FAILED_CODE)]);
  notifier.stopping();
  return exitProcess(code);
}

function passSignals(multi: Multi, logger: Logger, reloads: boolean): void {
  for (const name of reloads ? END_SIGNALS : [...END_SIGNALS, RELOAD_SIGNAL]) {
    process.on(name, () => {
      logger.info(`received ${name}, ending the brokers`);
      multi.end(name);
    });
  }
  if (reloads) process.on(RELOAD_SIGNAL, () => multi.signal(RELOAD_SIGNAL));
}

/** Whether a broker handles a hang-up, because it has files to read again or to reopen. */
function doesReload(options: BrokerLineOptions, configPath: string): boolean {
  const { tlsCert, httpAccess, logFile } = options;
  return [configPath, tlsCert, httpAccess, logFile].some((given) => given !== '');
}

function loggerOf(options?: BrokerLineOptions, sink = new StderrSink(process.stderr)): Logger {
  return new Logger({
    prefix: LOG_PREFIX,
    format: options?.logFormat === 'json' ? 'json' : 'text',
    level: options?.logLevel ?? 'info',
    sink,
    clock: new SystemClock(),
  });
}
