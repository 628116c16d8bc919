/**
 * Finds the bundles of the sources: one file per thread instead of hundreds, so that the program starts in half the
 * time. `scripts/bundle.ts` makes them. The published package has none beside it; its own files are bundles already.
 *
 * Shape: `bundles/current.json` names the directory of the newest bundles, and the size and time of every file that
 * they were made of. As long as all of these are unchanged, the bundles are the sources.
 *
 * Plain JavaScript, like the files that ask.
 * Thread: main.
 */

const { readFileSync, statSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '../..');
const FOLDER = 'bundles';
const RECORD = 'current.json';

/** What identifies the content of a file without reading it. Errors: those of `statSync`. */
function markOf(file) {
  const { mtimeMs, size } = statSync(file);
  return `${mtimeMs} ${size}`;
}

/** The directory of the bundles below `root`, or undefined where there are none or a source has changed since. */
function freshBundles(root = ROOT) {
  try {
    const { directory, sources } = JSON.parse(readFileSync(join(root, FOLDER, RECORD), 'utf8'));
    const place = join(root, FOLDER, directory);
    for (const [name, mark] of Object.entries(sources)) {
      if (markOf(join(root, name)) !== mark) return undefined;
    }
    // Another user may have made them for itself alone.
    statSync(join(place, 'main'));
    return place;
  } catch {
    // There are no bundles, they cannot be read, or a source is missing: the sources are run directly.
    return undefined;
  }
}

/** `off` runs the sources directly, for tests that change parts of them. */
const SWITCH = 'RINGMQ_BUNDLES';

/** The file to run for a program of the sources, such as `main/program`: its bundle if that is fresh, or its source. */
function programFile(name, source) {
  const bundles = process.env[SWITCH] === 'off' ? undefined : freshBundles();
  return bundles === undefined ? join(__dirname, source) : join(bundles, `${name}.js`);
}

module.exports = { FOLDER, RECORD, freshBundles, markOf, programFile };
