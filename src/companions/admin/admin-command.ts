/**
 * `ringmq admin`: from its command line to its exit code.
 *
 * Thread: main. Source: nsqadmin `apps/nsqadmin/main.go`.
 */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { EndSignals } from '../../daemon/end-signals.ts';
import { Guard } from '../../daemon/guard.ts';
import { guardInspector } from '../../daemon/inspector-guard.ts';
import { Logger } from '../../daemon/log.ts';
import { configText } from '../../daemon/options/config-text.ts';
import { parseProgramLine } from '../../daemon/options/program-line.ts';
import { exitProcess } from '../../daemon/process-end.ts';
import { ServiceNotifier } from '../../daemon/service-notifier.ts';
import { StderrSink } from '../../daemon/stderr-sink.ts';
import { UncaughtErrors } from '../../daemon/uncaught-errors.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { type Companion, DONE_CODE } from '../companion.ts';
import { Admin } from './admin.ts';
import { ADMIN_OPTION_ROWS, ADMIN_PROGRAM, type AdminOptions } from './admin-options.ts';

const FAILED_CODE = 1;
const LOG_PREFIX_DEFAULT = '[nsqadmin] ';
const BUG = Symbol('bug');
/** Where nobody listens, USR1 has Node open its inspector, through which every user of the machine can run code. */
const IGNORED_SIGNALS: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2'];

/** Runs until a signal. Resolves with the exit code. */
export const runAdmin: Companion = async (words, { stdout, stderr }) => {
  const command = parseProgramLine(words, ADMIN_PROGRAM, {
    hostname: os.hostname(),
    parallelism: os.availableParallelism(),
    readFile: (path) => readFileSync(path, 'utf8'),
  });
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
      stdout(configText(ADMIN_OPTION_ROWS, command.options));
      return DONE_CODE;
    case 'run':
      return serve(command.options, command.warnings);
  }
};

async function serve(options: AdminOptions, warnings: readonly string[]): Promise<number> {
  const clock = new SystemClock();
  const logger = loggerOf(options);
  for (const warning of warnings) logger.warn(warning);
  for (const name of IGNORED_SIGNALS) process.on(name, () => undefined);
  const signals = new EndSignals(clock, ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP']);
  const guard = new Guard(clock, logger);
  const { bug } = new UncaughtErrors(guard, logger);
  let admin: Admin;
  try {
    admin = await Admin.start(options, { logger, clock, guard });
  } catch (error) {
    logger.fatal(`failed to instantiate nsqadmin - ${errorText(error)}`);
    return FAILED_CODE;
  }
  const { env: environment, pid } = process;
  const notifier = new ServiceNotifier({ environment, pid, clock, logger });
  notifier.ready();
  guardInspector(logger);
  const why = await Promise.race([signals.first, bug.then((): typeof BUG => BUG)]);
  // Nothing that is known here is lost if the process ends at once.
  if (why === BUG) exitProcess(FAILED_CODE);
  notifier.stopping();
  logger.info(`received ${why}, ending`);
  await admin.close();
  exitProcess(DONE_CODE);
}

/** The log as the options say; before they are known, as nsqadmin's. */
function loggerOf(options?: AdminOptions): Logger {
  return new Logger({
    prefix: options?.logPrefix ?? LOG_PREFIX_DEFAULT,
    format: options?.logFormat === 'json' ? 'json' : 'text',
    level: options?.logLevel ?? 'info',
    sink: new StderrSink(process.stderr),
    clock: new SystemClock(),
  });
}
