/**
 * Loaded first in the process of each file of tests: ends a file that runs too long, and names what keeps it running.
 * A test that hangs and a handle that a test leaves open both end here. A file that never returns to its event loop
 * does not: the runner kills it a little later, by the process id that is noted here.
 */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { killDescendants } from './descendants.ts';

/** Where the runner looks for process ids: files with the id as their name, and the test file in them. */
export const NOTES_VARIABLE = 'RINGMQ_TEST_NOTES';
/** How long a file may run. Units: seconds. */
export const LIMIT_VARIABLE = 'RINGMQ_TEST_FILE_SECONDS';
const MS_PER_SECOND = 1000;
const TEST_FILE = /\.test\.m?ts$/;

const notes = process.env[NOTES_VARIABLE];
const limitS = Number(process.env[LIMIT_VARIABLE]);
const file = process.argv[1] ?? '';
// The programs that a test starts have the variables too, but are no tests.
if (notes !== undefined && limitS > 0 && TEST_FILE.test(file)) {
  writeFileSync(path.join(notes, String(process.pid)), file);
  setTimeout(() => endFile(limitS), limitS * MS_PER_SECOND).unref();
}

function endFile(afterS: number): void {
  const kept = process.getActiveResourcesInfo().sort().join(', ');
  process.stderr.write(`still running after ${afterS} s, kept by: ${kept || 'nothing'}\n`);
  killDescendants(process.pid);
  process.exit(1);
}
