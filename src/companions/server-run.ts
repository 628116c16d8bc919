/**
 * Runs a server program from its options to its exit code: opens its log, starts it, and ends it cleanly.
 *
 * Thread: main.
 */

import { EndSignals } from '../daemon/end-signals.ts';
import { Guard } from '../daemon/guard.ts';
import { guardInspector } from '../daemon/inspector-guard.ts';
import type { Logger } from '../daemon/log.ts';
import { reopenOnHangUp } from '../daemon/log-file.ts';
import { exitProcess } from '../daemon/process-end.ts';
import type { ServerContext } from '../daemon/server-context.ts';
import { ServiceNotifier } from '../daemon/service-notifier.ts';
import { UncaughtErrors } from '../daemon/uncaught-errors.ts';
import { SystemClock } from '../shared/clock.ts';
import { errorText } from '../shared/error-text.ts';
import { DONE_CODE } from './companion.ts';
import { FAILED_CODE, ignoreSignals, type LogOptions, openServerLog } from './server-line.ts';

/** A server program. `S`: the running server. */
export type ServerRun<S> = {
  /** The name of the program that it replaces. */
  readonly original: string;
  readonly options: LogOptions & { readonly logFile: string };
  readonly warnings: readonly string[];
  /** Errors: rejects with the reason if it cannot run. */
  readonly start: (context: ServerContext) => Promise<S>;
  /** What SIGHUP does; without it, SIGHUP ends a server that logs to standard error. */
  readonly reload?: (server: S, logger: Logger) => () => void;
  /** The server accepts connections. */
  readonly onServing: (server: S) => void;
  /** Resolves with another reason to end, apart from signals. */
  readonly ended?: Promise<string>;
};

const BUG = Symbol('bug');
const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];
const NEVER = new Promise<string>(() => undefined);

/** Runs until a signal. Resolves with the exit code if the server cannot start; otherwise ends the process. */
export async function runServer<S extends { close(): Promise<void> }>({
  original,
  options,
  warnings,
  start,
  reload,
  onServing,
  ended = NEVER,
}: ServerRun<S>): Promise<number> {
  const clock = new SystemClock();
  const log = openServerLog(original, options);
  if (log === undefined) return FAILED_CODE;
  const { logger, file } = log;
  for (const warning of warnings) logger.warn(warning);
  ignoreSignals();
  const handlesHangUp = reload !== undefined || file !== null;
  const signals = new EndSignals(clock, handlesHangUp ? END_SIGNALS : [...END_SIGNALS, 'SIGHUP']);
  if (file !== null) reopenOnHangUp(file, logger);
  const guard = new Guard(clock, logger);
  const uncaught = new UncaughtErrors(guard, logger);
  const starting = start({ logger, clock, guard });
  if (reload !== undefined) {
    // A failed start is reported below.
    const reloading = starting.then(
      (server) => reload(server, logger),
      () => null,
    );
    process.on('SIGHUP', () => {
      reloading.then((run) => run?.()).catch((error: unknown) => uncaught.take(error));
    });
  }
  let server: S;
  try {
    server = await starting;
  } catch (error) {
    logger.fatal(`failed to instantiate ${original} - ${errorText(error)}`);
    return FAILED_CODE;
  }
  const { env: environment, pid } = process;
  const notifier = new ServiceNotifier({ environment, pid, clock, logger });
  notifier.ready();
  onServing(server);
  guardInspector(logger);
  const why = await Promise.race([
    signals.first.then((signal) => `received ${signal}`),
    ended,
    uncaught.bug.then((): typeof BUG => BUG),
  ]);
  // The process holds no data that could be lost, and brokers register again, so it may end immediately.
  if (why === BUG) return exitProcess(FAILED_CODE);
  notifier.stopping();
  logger.info(`${why}, ending`);
  await server.close();
  return exitProcess(DONE_CODE);
}
