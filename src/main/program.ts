/**
 * Runs a broker as a program: from its command line to its exit code.
 *
 * Thread: main. Source: nsqd `apps/nsqd/main.go`.
 */

import { fstatSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import os from 'node:os';
import { EndSignals } from '../daemon/end-signals.ts';
import { Guard } from '../daemon/guard.ts';
import { guardInspector } from '../daemon/inspector-guard.ts';
import { Logger } from '../daemon/log.ts';
import { type LogFile, openLogFile, reopenOnHangUp } from '../daemon/log-file.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import type { LineContext } from '../daemon/options/program-line.ts';
import { cutThreads, exitProcess } from '../daemon/process-end.ts';
import { ServiceNotifier } from '../daemon/service-notifier.ts';
import { StderrSink } from '../daemon/stderr-sink.ts';
import { SupervisorLink } from '../daemon/supervisor-link.ts';
import { UncaughtErrors } from '../daemon/uncaught-errors.ts';
import { assert } from '../shared/assert.ts';
import { SystemClock } from '../shared/clock.ts';
import { errorText } from '../shared/error-text.ts';
import { readGivenTextSync } from '../shared/given-file.ts';
import { reportConfig } from './config-report.ts';
import { Nsqd } from './nsqd.ts';
import { type Command, parseCommandLine } from './options/command-line.ts';
import type { Options } from './options/options.ts';
import { parsePolicyTables } from './policies/policy-tables.ts';
import { THREAD_END_MS } from './pumps/thread-end.ts';
import type { Configuration, ConfigurationSource } from './reload.ts';
import { directoryPlatform } from './storage/platform.ts';

/** What the command line asks for. */
type RunCommand = Command & { kind: 'run' };

const NEVER = new Promise<NodeJS.Signals>(() => undefined);
const LOG_PREFIX_DEFAULT = '[nsqd] ';
/** An uncaught error is a bug: it is logged and ends the broker. */
const BUG = 'bug';
/** How long writing what is in memory may take after a bug or the crash of a thread. */
const RESCUE_MS = 10_000;

/**
 * Runs until the broker has ended, and ends the process: with 0 after a signal, 1 when the broker cannot run or
 * continue, 2 for a bad command line. `words`: the words after the program's name.
 */
export async function runProgram(words: readonly string[]): Promise<void> {
  const context = {
    hostname: os.hostname(),
    parallelism: os.availableParallelism(),
    readFile: readGivenTextSync,
  };
  const parsed = parseCommandLine(words, context);
  const isReport = parsed.kind === 'check' || parsed.kind === 'show';
  const command = isReport ? reportConfig(parsed, context) : parsed;
  switch (command.kind) {
    case 'print':
      process.stderr.write(command.stderr);
      process.stdout.write(command.stdout);
      process.exitCode = command.exitCode;
      return;
    case 'help':
      process.stdout.write(command.text);
      if (isPipeOfItsOwn(process.stderr.fd)) process.stderr.write(command.text);
      return;
    case 'fatal':
      makeLogger().fatal(command.reason);
      process.exitCode = 1;
      return;
    case 'run':
      await runBroker(command, () => readAgain(words, context));
  }
}

/** The configuration as it is now, with the same flags. */
function readAgain(words: readonly string[], context: LineContext): Configuration | InvalidValue {
  const command = parseCommandLine(words, context);
  if (command.kind === 'fatal') return new InvalidValue(command.reason);
  assert(command.kind === 'run', 'the same words have started the broker');
  const { options, config } = command;
  return { options, policies: parsePolicyTables(config.policies) };
}

/** Runs until a signal, or until the broker cannot continue, and ends the process. */
async function runBroker(
  { options, config, warnings }: RunCommand,
  source: ConfigurationSource,
): Promise<void> {
  const clock = new SystemClock();
  const file = openLogFile(options.logFile);
  if (typeof file === 'string') {
    makeLogger().fatal(`failed to open log file ${options.logFile} - ${file}`);
    process.exitCode = 1;
    return;
  }
  const logger = makeLogger(options, file);
  for (const warning of warnings) logger.warn(warning);
  const policies = parsePolicyTables(config.policies);
  if (policies instanceof InvalidValue) {
    logger.fatal(`failed to load config file ${config.path} - ${policies.why}`);
    process.exitCode = 1;
    return;
  }
  const reloads = [config.path, options.tlsCert, options.httpAccess, options.logFile].some(
    (given) => given !== '',
  );
  const drains = options.sigterm === 'drain';
  const signals = new EndSignals(clock, endSignals(reloads, drains));
  const terms = drains ? new EndSignals(clock, ['SIGTERM']) : null;
  const guard = new Guard(clock, logger);
  const uncaught = new UncaughtErrors(guard, logger);
  const { bug } = uncaught;
  const supervisor = new SupervisorLink();
  const context = { logger, clock, guard };
  const rereadable = config.path === '' ? null : source;
  const starting = Nsqd.start(options, context, policies, directoryPlatform(), rereadable);
  if (file !== null) reopenOnHangUp(file, logger);
  if (reloads) reloadOnHangUp(starting, uncaught);
  let nsqd: Nsqd;
  try {
    nsqd = await Promise.race([starting, bug.then((error) => Promise.reject(error))]);
  } catch (error) {
    logger.fatal(`failed to instantiate nsqd - ${errorText(error)}`);
    return exitProcess(1);
  }
  const { env: environment, pid } = process;
  const notifier = new ServiceNotifier({ environment, pid, clock, logger });
  notifier.ready();
  supervisor.serving(nsqd.operations);
  guardInspector(logger);
  // Node does this only when the process ends without `exit`.
  flushCompileCache();
  const failure = Promise.race([nsqd.failed, bug.then((): typeof BUG => BUG)]);
  const secondTerm = terms === null ? NEVER : drainOnTerm(terms, nsqd, logger);
  // Each reason to end, with a second signal that cuts it short.
  const endRequest = Promise.race([
    signals.first.then((signal) => ({ why: `received ${signal}`, next: signals.second })),
    secondTerm.then((signal) => ({ why: `received ${signal}`, next: signals.first })),
    nsqd.drain.over.then((why) => ({ why, next: signals.first })),
    supervisor.lost.then(() => ({ why: 'the supervisor has gone', next: signals.first })),
  ]);
  const forced = endRequest
    .then(({ next }) => next)
    .then((signal) => {
      logger.fatal(`received a second ${signal}, ending at once; messages in memory are lost`);
      return 1;
    });
  const close = (why: string): Promise<number | typeof BUG> => {
    notifier.stopping();
    logger.info(`${why}, ending`);
    return nsqd.close().then(
      (unwritten) => {
        if (unwritten !== null) logger.fatal(unwritten);
        return unwritten === null ? 0 : 1;
      },
      (error: unknown) => {
        uncaught.take(error);
        return BUG;
      },
    );
  };
  const outcome = await Promise.race([endRequest, failure]);
  const isClean = typeof outcome === 'object' && 'why' in outcome;
  const end = isClean ? await Promise.race([close(outcome.why), forced, failure]) : outcome;
  // Ending the threads later looks like a crash, too, but is not one.
  if (end instanceof Error) logger.fatal(end.message);
  if (typeof end !== 'number') await Promise.race([rescue(nsqd, clock, logger), forced]);
  await endProcess(typeof end === 'number' ? end : 1, nsqd, clock);
}

/** Writes what is in memory to disk after a failure, if that is still possible. */
async function rescue(nsqd: Nsqd, clock: SystemClock, logger: Logger): Promise<void> {
  const late = Promise.withResolvers<string>();
  clock.after(RESCUE_MS, () => late.resolve(`it takes longer than ${RESCUE_MS} ms`));
  const rescuing = nsqd.rescue().catch(errorText);
  const failure = await Promise.race([rescuing, late.promise]);
  if (failure === null) logger.info('messages in memory are saved to disk');
  else logger.error(`not all messages in memory are saved to disk - ${failure}`);
}

/** A hang-up ends the broker cleanly, unless there is something that it reloads or reopens. */
function endSignals(reloads: boolean, drains: boolean): NodeJS.Signals[] {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
  if (!drains) signals.push('SIGTERM');
  if (!reloads) signals.push('SIGHUP');
  return signals;
}

/** The first SIGTERM lets consumers empty the broker. Resolves with a second one, which ends it with what is left. */
function drainOnTerm(
  { first, second }: EndSignals,
  nsqd: Nsqd,
  logger: Logger,
): Promise<NodeJS.Signals> {
  void first.then((signal) => {
    logger.info(`received ${signal}`);
    nsqd.drain.begin();
  });
  return second;
}

/** A hang-up during the start is handled afterwards: without a handler it would end the process. */
function reloadOnHangUp(starting: Promise<Nsqd>, uncaught: UncaughtErrors): void {
  process.on('SIGHUP', () => {
    starting.then(
      (nsqd) => nsqd.operations.reload().catch((error: unknown) => uncaught.take(error)),
      // The caller that starts the broker reports why it fails.
      () => undefined,
    );
  });
}

/** Ends the process, also while a worker thread hangs in a call of the system. */
async function endProcess(code: number, nsqd: Nsqd, clock: SystemClock): Promise<never> {
  clock.after(THREAD_END_MS, () => cutThreads(code));
  await nsqd.terminate();
  return exitProcess(code);
}

/**
 * Whether standard error is read by a program, and apart from standard output: such programs look for nsqd's usage
 * there. On a terminal or in a file the text would appear twice.
 */
function isPipeOfItsOwn(fd: number): boolean {
  const stderr = fstatSync(fd);
  const stdout = fstatSync(process.stdout.fd);
  return (stderr.isFIFO() || stderr.isSocket()) && stderr.ino !== stdout.ino;
}

/** The log as the options say; before they are known, as nsqd's. */
function makeLogger(options?: Options, file: LogFile | null = null): Logger {
  return new Logger({
    prefix: options?.logPrefix ?? LOG_PREFIX_DEFAULT,
    format: options?.logFormat === 'json' ? 'json' : 'text',
    level: options?.logLevel ?? 'info',
    sink: file ?? new StderrSink(process.stderr),
    clock: new SystemClock(),
  });
}
