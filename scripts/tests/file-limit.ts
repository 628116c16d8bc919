/**
 * Loaded first in the process of each file of tests: ends a file none of whose tests ends for too long, and names what
 * keeps it running. A busy machine only makes it slower; so how long the file as a whole runs does not matter.
 * A test that hangs and a handle that a test leaves open both end here. A file that never returns to its event loop
 * does not: the runner kills it a little later, by the process id that is noted here.
 */

import { utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from 'node:test';
import { killDescendants } from './descendants.ts';

/** Where the runner looks for process ids: files with the id as their name, and the test file in them. */
export const NOTES_VARIABLE = 'RINGMQ_TEST_NOTES';
/** How long a file may run without the end of a test. Units: seconds. */
export const LIMIT_VARIABLE = 'RINGMQ_TEST_FILE_SECONDS';
const MS_PER_SECOND = 1000;
const TEST_FILE = /\.test\.m?ts$/;

const notes = process.env[NOTES_VARIABLE];
const limitS = Number(process.env[LIMIT_VARIABLE]);
const file = process.argv[1] ?? '';
// The programs that a test starts have the variables too, but are no tests.
if (notes !== undefined && limitS > 0 && TEST_FILE.test(file)) {
  watchFile(path.join(notes, String(process.pid)));
}

/** From now on. The time of the note is when the last test has ended, for the runner. */
function watchFile(note: string): void {
  writeFileSync(note, file);
  const timer = setTimeout(() => endFile(limitS), limitS * MS_PER_SECOND).unref();
  afterEach(() => {
    timer.refresh();
    utimesSync(note, new Date(), new Date());
  });
}

function endFile(afterS: number): void {
  const kept = process.getActiveResourcesInfo().sort().join(', ');
  process.stderr.write(`no test ended for ${afterS} s, kept by: ${kept || 'nothing'}\n`);
  killDescendants(process.pid);
  process.exit(1);
}
