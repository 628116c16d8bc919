/**
 * `ringmq lookupd`: from its command line to its exit code.
 *
 * Thread: main. Source: nsqlookupd `apps/nsqlookupd/main.go`.
 */

import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { ServerCommand } from '../../daemon/options/program-line.ts';
import { SupervisorLink } from '../../daemon/supervisor-link.ts';
import { assert } from '../../shared/assert.ts';
import type { Companion } from '../companion.ts';
import { parseServerLine, runServerLine, type ServerStart } from '../server-line.ts';
import { runServer } from '../server-run.ts';
import { Lookupd } from './lookupd.ts';
import { LOOKUPD_PROGRAM, type LookupdOptions } from './lookupd-options.ts';
import { LookupdReload } from './lookupd-reload.ts';

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

function serve(
  { options, configPath, warnings }: ServerStart<LookupdOptions>,
  read: () => LookupdOptions | InvalidValue,
): Promise<number> {
  const supervisor = new SupervisorLink();
  return runServer<Lookupd>({
    original: LOOKUPD_PROGRAM.original,
    options,
    warnings,
    start: (server) => Lookupd.start(options, server),
    ...(configPath !== '' && {
      reload: (lookupd, logger) => {
        const reload = new LookupdReload({ lookupd, logger, configured: options, read });
        return () => reload.run();
      },
    }),
    onServing: (lookupd) => supervisor.serving(lookupd),
    ended: supervisor.lost.then(() => 'the supervisor has gone'),
  });
}
