/**
 * `ringmq admin`: from its command line to its exit code.
 *
 * Thread: main. Source: nsqadmin `apps/nsqadmin/main.go`.
 */

import { EndSignals } from '../../daemon/end-signals.ts';
import { Guard } from '../../daemon/guard.ts';
import { guardInspector } from '../../daemon/inspector-guard.ts';
import { reopenOnHangUp } from '../../daemon/log-file.ts';
import { exitProcess } from '../../daemon/process-end.ts';
import { ServiceNotifier } from '../../daemon/service-notifier.ts';
import { UncaughtErrors } from '../../daemon/uncaught-errors.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { type Companion, DONE_CODE } from '../companion.ts';
import {
  FAILED_CODE,
  ignoreSignals,
  openServerLog,
  parseServerLine,
  runServerLine,
  type ServerStart,
} from '../server-line.ts';
import { Admin } from './admin.ts';
import { ADMIN_PROGRAM, type AdminOptions } from './admin-options.ts';

const BUG = Symbol('bug');
const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];

/** Runs until a signal. Resolves with the exit code. */
export const runAdmin: Companion = (words, context) =>
  runServerLine(parseServerLine(words, ADMIN_PROGRAM), ADMIN_PROGRAM, context, serve);

async function serve({ options, warnings }: ServerStart<AdminOptions>): Promise<number> {
  const clock = new SystemClock();
  const log = openServerLog(ADMIN_PROGRAM.original, options);
  if (log === undefined) return FAILED_CODE;
  const { logger, file } = log;
  for (const warning of warnings) logger.warn(warning);
  ignoreSignals();
  const signals = new EndSignals(clock, file === null ? [...END_SIGNALS, 'SIGHUP'] : END_SIGNALS);
  if (file !== null) reopenOnHangUp(file, logger);
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
  void admin.warnOfWrongAddresses();
  guardInspector(logger);
  const why = await Promise.race([signals.first, bug.then((): typeof BUG => BUG)]);
  // The process holds no data that could be lost, so it may end at once.
  if (why === BUG) exitProcess(FAILED_CODE);
  notifier.stopping();
  logger.info(`received ${why}, ending`);
  await admin.close();
  exitProcess(DONE_CODE);
}
