/**
 * Loaded first in the process of each test file. It ends a file in which no test ends for too long, and names what
 * keeps it running. The total time of a file does not matter, since a busy machine only makes it slower. This covers a
 * test that hangs, and a handle that a test leaves open. It does not cover a file that never returns to its event loop:
 * the runner kills that a little later, by the process id that is recorded here.
 */

import { utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from 'node:test';
import { killDescendants } from './descendants.ts';

/** The runner reads process ids here: files with the id as their name, and the test file as their contents. */
export const NOTES_VARIABLE = 'RINGMQ_TEST_NOTES';
/** How long a file may run without the end of a test. Units: seconds. */
export const LIMIT_VARIABLE = 'RINGMQ_TEST_FILE_SECONDS';
const MS_PER_SECOND = 1000;
const TEST_FILE = /\.test\.m?ts$/;

const notes = process.env[NOTES_VARIABLE];
const limitS = Number(process.env[LIMIT_VARIABLE]);
const file = process.argv[1] ?? '';
// Programs that a test starts inherit the variables, but are not tests.
if (notes !== undefined && limitS > 0 && TEST_FILE.test(file)) {
  watchFile(path.join(notes, String(process.pid)));
}

/** Starts now. The modification time tells the runner when the last test ended. */
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
