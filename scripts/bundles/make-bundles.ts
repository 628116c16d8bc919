/**
 * Makes the bundles of a checkout, as `src/main/bundles.cjs` finds them.
 *
 * Programs may start at the same time, while others run: a directory of bundles is complete when it gets its name, and
 * never changes.
 * Bound: the newest `KEPT` directories stay, for programs that load more of their chunks later.
 */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { FOLDER, markOf, RECORD } from '../../src/main/bundles.cjs';
import { bundlePrograms } from './bundle-programs.ts';

/** Directories of bundles. */
const KEPT = 4;
const NAME_LENGTH = 16;
const UNFINISHED = 'unfinished-';
/** A directory that is still being written is younger than this. Units: milliseconds. */
const UNFINISHED_MS = 600_000;
/** Before the umask is applied: the mode of new directories. */
const OPEN_MODE = 0o777;
/** Files that affect the bundles without being part of them: a change to one makes new bundles too. */
const MAKERS = ['scripts/bundles/bundle-programs.ts', 'package-lock.json'];
const PAGE = 'src/ui';

/**
 * Bundles the sources below `root`.
 * Errors: rejects if they have an error, if one cannot be read, or if nothing can be written.
 */
export async function makeBundles(root: string): Promise<void> {
  const folder = path.join(root, FOLDER);
  mkdirSync(folder, { recursive: true });
  const unfinished = mkdtempSync(path.join(folder, UNFINISHED));
  // Other users may run the bundles of one user, as they may run the sources.
  chmodSync(unfinished, OPEN_MODE & ~process.umask());
  try {
    const startedMs = Date.now();
    const inputs = await bundlePrograms(root, unfinished);
    const pages = globSync(`${PAGE}/*`, { cwd: root }).map((name) =>
      name.replaceAll(path.sep, '/'),
    );
    cpSync(path.join(root, PAGE), path.join(unfinished, 'ui'), { recursive: true });
    const sources = [...inputs, ...pages, ...MAKERS];
    // A file that changes while it is read may be bundled in its old state: the next start bundles it again.
    if (sources.some((name) => statSync(path.join(root, name)).mtimeMs > startedMs)) return;
    const marks = sources.map((name) => [name, markOf(path.join(root, name))]);
    const directory = finish(folder, unfinished);
    const record = path.join(unfinished, RECORD);
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(record, JSON.stringify({ directory, sources: Object.fromEntries(marks) }));
    renameSync(record, path.join(folder, RECORD));
    removeOld(folder, directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Renames a complete directory after its content, unless that exists already. Returns the name. */
function finish(folder: string, unfinished: string): string {
  const hash = createHash('sha256');
  for (const name of globSync('**/*.*', { cwd: unfinished }).sort()) {
    hash.update(name).update(readFileSync(path.join(unfinished, name)));
  }
  const directory = hash.digest('hex').slice(0, NAME_LENGTH);
  const place = path.join(folder, directory);
  if (existsSync(place)) {
    utimesSync(place, new Date(), new Date());
    return directory;
  }
  try {
    renameSync(unfinished, place);
  } catch (error) {
    // another process was faster, with the same content
    if (!existsSync(place)) throw error;
  }
  return directory;
}

function removeOld(folder: string, current: string): void {
  const directories = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== current)
    .map(({ name }) => ({ name, mtimeMs: statSync(path.join(folder, name)).mtimeMs }))
    .sort((one, other) => other.mtimeMs - one.mtimeMs);
  const finished = directories.filter(({ name }) => !name.startsWith(UNFINISHED));
  const isLeft = (mtimeMs: number): boolean => mtimeMs < Date.now() - UNFINISHED_MS;
  const abandoned = directories.filter(
    ({ name, mtimeMs }) => name.startsWith(UNFINISHED) && isLeft(mtimeMs),
  );
  for (const { name } of [...finished.slice(KEPT - 1), ...abandoned]) {
    rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}
