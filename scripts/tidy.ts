// Checks the rules of the house style that a script can check: `node scripts/tidy.ts`. Prints one line for each
// finding, and exits with 1 if there is any.
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readArguments } from './kit/arguments.ts';
import { checkFile } from './tidy/file-rules.ts';
import type { Finding } from './tidy/finding.ts';
import { checkImports } from './tidy/import-rules.ts';
import { checkPages } from './tidy/page-rules.ts';
import { Source } from './tidy/source.ts';

/** All findings in a tree, by file and line. The files are given by their paths, with `/`, and their texts. */
export function check(files: ReadonlyMap<string, string>): Finding[] {
  const sources = [...files].map(([file, text]) => new Source(file, text));
  const findings = [...sources.flatMap(checkFile), ...checkImports(sources)];
  return findings.sort((a, b) => {
    if (a.file === b.file) return a.line - b.line;
    return a.file < b.file ? -1 : 1;
  });
}

const USAGE = `usage: node scripts/tidy.ts

Checks the rules of CONTRIBUTING.md that a script can check, in code and pages. Prints a line for
each finding, and exits with 1 if there are any.`;

function main(): void {
  readArguments(USAGE, {});
  const root = path.dirname(import.meta.dirname);
  const files = new Map<string, string>();
  const sources = ['{src,test,scripts,examples}/**/*.{ts,mjs}', 'src/ui/*.js'];
  for (const name of globSync(sources, { cwd: root })) {
    const file = name.replaceAll(path.sep, '/');
    if (file.startsWith('test/fixtures/')) continue;
    files.set(file, readFileSync(path.join(root, name), 'utf8'));
  }
  const pages = new Map(
    globSync(['*.md', 'docs/**/*.md'], { cwd: root }).map((name) => [
      name.replaceAll(path.sep, '/'),
      readFileSync(path.join(root, name), 'utf8'),
    ]),
  );
  const isThere = (name: string): boolean => existsSync(path.join(root, name));
  const findings = [...check(files), ...checkPages(pages, isThere)];
  for (const { file, line, what } of findings) console.log(`${file}:${line}: ${what}`);
  if (findings.length > 0) process.exit(1);
  console.log(`tidy: ${files.size} files and ${pages.size} pages, nothing found`);
}

if (process.argv[1] === import.meta.filename) main();
