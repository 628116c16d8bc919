/**
 * `ringmq admin`: from its command line to its exit code.
 *
 * Thread: main. Source: nsqadmin `apps/nsqadmin/main.go`.
 */

import type { Companion } from '../companion.ts';
import { parseServerLine, runServerLine } from '../server-line.ts';
import { runServer } from '../server-run.ts';
import { Admin } from './admin.ts';
import { ADMIN_PROGRAM } from './admin-options.ts';

/** Runs until a signal. Resolves with the exit code. */
export const runAdmin: Companion = (words, context) =>
  runServerLine(
    parseServerLine(words, ADMIN_PROGRAM),
    ADMIN_PROGRAM,
    context,
    ({ options, warnings }) =>
      runServer({
        original: ADMIN_PROGRAM.original,
        options,
        warnings,
        start: (server) => Admin.start(options, server),
        onServing: (admin) => void admin.warnOfWrongAddresses(),
      }),
  );
