/**
 * Joins small test files into groups, one for each directory of test/unit: starting a process takes longer than most
 * files run. A file must therefore leave nothing behind that affects others.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const GROUPED = path.join('test', 'unit');
/** Files and directories that take longest. */
const LONG = ['test/e2e/page.test.ts', 'test/e2e/life.test.ts', 'test/crash', 'test/sim'];

/** Files to run; some of them stand for a whole group. */
export class TestGroups {
  /** The files to run: groups, and files that are in none. */
  readonly files: readonly string[];
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'ringmq-tests-'));
  readonly #titles = new Map<string, string>();

  /** Groups those of `files` that are under test/unit of `root`. Units: absolute paths. */
  constructor(root: string, files: readonly string[]) {
    const groups = new Map<string, string[]>();
    const others: string[] = [];
    for (const file of files) {
      const [room, ...rest] = path.relative(path.join(root, GROUPED), file).split(path.sep);
      if (room === '..' || rest.length === 0) others.push(file);
      else groups.set(room, [...(groups.get(room) ?? []), file]);
    }
    // The longest first, so that none of them runs alone at the end.
    const long = others.filter((file) => isLong(path.relative(root, file)));
    this.files = [
      ...long,
      ...[...groups].map(([room, members]) => this.#write(room, members)),
      ...others.filter((file) => !long.includes(file)),
    ];
  }

  /** The title of a file for readers. */
  titleOf(file: string): string | undefined {
    return this.#titles.get(file);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #write(room: string, members: readonly string[]): string {
    const file = path.join(this.#directory, `${room}.test.mts`);
    const lines = members.map(
      (member) => `import ${JSON.stringify(pathToFileURL(member).href)};\n`,
    );
    writeFileSync(file, lines.join(''));
    this.#titles.set(file, path.join(GROUPED, room));
    return file;
  }
}

function isLong(file: string): boolean {
  const name = file.replaceAll(path.sep, '/');
  return LONG.some((long) => name === long || name.startsWith(`${long}/`));
}
