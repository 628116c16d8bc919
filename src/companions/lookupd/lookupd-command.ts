/**
 * `ringmq lookupd`: from its command line to its exit code.
 *
 * Thread: main. Source: nsqlookupd `apps/nsqlookupd/main.go`.
 */

import { EndSignals } from '../../daemon/end-signals.ts';
import { Guard } from '../../daemon/guard.ts';
import { guardInspector } from '../../daemon/inspector-guard.ts';
import { reopenOnHangUp } from '../../daemon/log-file.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { ServerCommand } from '../../daemon/options/program-line.ts';
import { exitProcess } from '../../daemon/process-end.ts';
import { ServiceNotifier } from '../../daemon/service-notifier.ts';
import { SupervisorLink } from '../../daemon/supervisor-link.ts';
import { UncaughtErrors } from '../../daemon/uncaught-errors.ts';
import { assert } from '../../shared/assert.ts';
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
import { Lookupd } from './lookupd.ts';
import { LOOKUPD_PROGRAM, type LookupdOptions } from './lookupd-options.ts';
import { LookupdReload } from './lookupd-reload.ts';

const BUG = Symbol('bug');
const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];

/** Runs until a signal. Resolves with the exit code. */
export const runLookupd: Companion = (words, context) =>
  runServerLine(parse(words), LOOKUPD_PROGRAM, context, (start) =>
    serve(start, () => readAgain(words)),
  );

function parse(words: readonly string[]): ServerCommand<LookupdOptions> {
  return parseServerLine(words, LOOKUPD_PROGRAM);
}

/** The current configuration, with the same flags. */
function readAgain(words: readonly string[]): LookupdOptions | InvalidValue {
  const command = parse(words);
  if (command.kind === 'fatal') return new InvalidValue(command.reason);
  assert(command.kind === 'run', 'the same words have started lookupd');
  return command.options;
}

async function serve(
  { options, configPath, warnings }: ServerStart<LookupdOptions>,
  read: () => LookupdOptions | InvalidValue,
): Promise<number> {
  const clock = new SystemClock();
  const log = openServerLog(LOOKUPD_PROGRAM.original, options);
  if (log === undefined) return FAILED_CODE;
  const { logger, file } = log;
  for (const warning of warnings) logger.warn(warning);
  ignoreSignals();
  const reloads = configPath !== '';
  const hangsUp = reloads || file !== null;
  const signals = new EndSignals(clock, hangsUp ? END_SIGNALS : [...END_SIGNALS, 'SIGHUP']);
  if (file !== null) reopenOnHangUp(file, logger);
  const guard = new Guard(clock, logger);
  const uncaught = new UncaughtErrors(guard, logger);
  const starting = Lookupd.start(options, { logger, clock, guard });
  if (reloads) {
    // A failed start is reported below.
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
  // The brokers register again after a restart, so nothing is lost if the process ends at once.
  if (why === BUG) exitProcess(FAILED_CODE);
  notifier.stopping();
  logger.info(`${why}, ending`);
  await lookupd.close();
  exitProcess(DONE_CODE);
}
