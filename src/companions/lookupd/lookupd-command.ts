/**
 * `ringmq lookupd`: from its command line to its exit code.
 *
 * Thread: main. Source: nsqlookupd `apps/nsqlookupd/main.go`.
 */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { EndSignals } from '../../daemon/end-signals.ts';
import { Guard } from '../../daemon/guard.ts';
import { guardInspector } from '../../daemon/inspector-guard.ts';
import { Logger } from '../../daemon/log.ts';
import { type LogFile, openLogFile, reopenOnHangUp } from '../../daemon/log-file.ts';
import { configText } from '../../daemon/options/config-text.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { parseProgramLine, type ServerCommand } from '../../daemon/options/program-line.ts';
import { exitProcess } from '../../daemon/process-end.ts';
import { ServiceNotifier } from '../../daemon/service-notifier.ts';
import { StderrSink } from '../../daemon/stderr-sink.ts';
import { SupervisorLink } from '../../daemon/supervisor-link.ts';
import { UncaughtErrors } from '../../daemon/uncaught-errors.ts';
import { assert } from '../../shared/assert.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { type Companion, DONE_CODE } from '../companion.ts';
import { Lookupd } from './lookupd.ts';
import { LOOKUPD_OPTION_ROWS, LOOKUPD_PROGRAM, type LookupdOptions } from './lookupd-options.ts';
import { LookupdReload } from './lookupd-reload.ts';

type Start = Extract<ServerCommand<LookupdOptions>, { readonly configPath: string }>;

const FAILED_CODE = 1;
const LOG_PREFIX_DEFAULT = '[nsqlookupd] ';
const BUG = Symbol('bug');
const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];
/** Where nobody listens, USR1 has Node open its inspector, through which every user of the machine can run code. */
const IGNORED_SIGNALS: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2'];

/** Runs until a signal. Resolves with the exit code. */
export const runLookupd: Companion = async (words, { stdout, stderr }) => {
  const command = parse(words);
  switch (command.kind) {
    case 'print':
      stderr(command.stderr);
      stdout(command.stdout);
      return command.exitCode;
    case 'help':
      stdout(command.text);
      return DONE_CODE;
    case 'fatal':
      loggerOf().fatal(command.reason);
      return FAILED_CODE;
    case 'check':
      for (const warning of command.warnings) stderr(`warning: ${warning}\n`);
      stdout('the configuration is valid\n');
      return DONE_CODE;
    case 'show':
      stdout(configText(LOOKUPD_OPTION_ROWS, command.options));
      return DONE_CODE;
    case 'run':
      return serve(command, () => readAgain(words));
  }
};

function parse(words: readonly string[]): ServerCommand<LookupdOptions> {
  return parseProgramLine(words, LOOKUPD_PROGRAM, {
    hostname: os.hostname(),
    parallelism: os.availableParallelism(),
    readFile: (path) => readFileSync(path, 'utf8'),
  });
}

/** The configuration as it is now, with the same flags. */
function readAgain(words: readonly string[]): LookupdOptions | InvalidValue {
  const command = parse(words);
  if (command.kind === 'fatal') return new InvalidValue(command.reason);
  assert(command.kind === 'run', 'the same words have started lookupd');
  return command.options;
}

async function serve(
  { options, configPath, warnings }: Start,
  read: () => LookupdOptions | InvalidValue,
): Promise<number> {
  const clock = new SystemClock();
  const file = openLogFile(options.logFile);
  if (typeof file === 'string') {
    loggerOf().fatal(`failed to open log file ${options.logFile} - ${file}`);
    return FAILED_CODE;
  }
  const logger = loggerOf(options, file);
  for (const warning of warnings) logger.warn(warning);
  for (const name of IGNORED_SIGNALS) process.on(name, () => undefined);
  const reloads = configPath !== '';
  const hangsUp = reloads || file !== null;
  const signals = new EndSignals(clock, hangsUp ? END_SIGNALS : [...END_SIGNALS, 'SIGHUP']);
  if (file !== null) reopenOnHangUp(file, logger);
  const guard = new Guard(clock, logger);
  const uncaught = new UncaughtErrors(guard, logger);
  const starting = Lookupd.start(options, { logger, clock, guard });
  if (reloads) {
    // Why a start fails is reported below.
    const reload = starting.then(
      (started) => new LookupdReload({ lookupd: started, logger, configured: options, read }),
      () => null,
    );
    process.on('SIGHUP', () => {
      void reload.then((one) => one?.run()).catch((error: unknown) => uncaught.take(error));
    });
  }
  const supervisor = new SupervisorLink();
  let lookupd: Lookupd;
  try {
    lookupd = await starting;
  } catch (error) {
    logger.fatal(`failed to instantiate nsqlookupd - ${errorText(error)}`);
    return FAILED_CODE;
  }
  const { env: environment, pid } = process;
  const notifier = new ServiceNotifier({ environment, pid, clock, logger });
  notifier.ready();
  supervisor.serving(lookupd);
  guardInspector(logger);
  const why = await Promise.race([
    signals.first.then((signal) => `received ${signal}`),
    supervisor.lost.then(() => 'the supervisor has gone'),
    uncaught.bug.then((): typeof BUG => BUG),
  ]);
  // What is known of the brokers goes with the process: nothing is lost if it ends at once.
  if (why === BUG) exitProcess(FAILED_CODE);
  notifier.stopping();
  logger.info(`${why}, ending`);
  await lookupd.close();
  exitProcess(DONE_CODE);
}

/** The log as the options say; before they are known, as nsqlookupd's. */
function loggerOf(options?: LookupdOptions, file: LogFile | null = null): Logger {
  return new Logger({
    prefix: options?.logPrefix ?? LOG_PREFIX_DEFAULT,
    format: options?.logFormat === 'json' ? 'json' : 'text',
    level: options?.logLevel ?? 'info',
    sink: file ?? new StderrSink(process.stderr),
    clock: new SystemClock(),
  });
}
