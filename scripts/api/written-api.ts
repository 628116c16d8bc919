/** Makes the page of the public interface from the sources, with the compiler. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { apiPage } from './api-page.ts';
import { type Declaration, declarationsOf } from './declarations.ts';

const ROOT = path.dirname(path.dirname(import.meta.dirname));
/** What users import, and where it is declared. */
const ENTRIES: Readonly<Record<string, string>> = {
  ringmq: 'embedded/embedded.d.ts',
  'ringmq/client': 'client/client.d.ts',
};

/** The path of the page. */
export const API_PAGE = path.join(ROOT, 'docs/api.md');

/**
 * The declarations of all entries, by the import specifier that users write.
 * Errors: throws the errors of the compiler.
 */
export function publicDeclarations(): ReadonlyMap<string, readonly Declaration[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-api-'));
  try {
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const words = [compiler, '--project', 'tsconfig.types.json', '--outDir', directory];
    const { status, stdout } = spawnSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' });
    if (status !== 0) throw new Error(stdout);
    const read = (file: string): string => readFileSync(path.join(directory, file), 'utf8');
    return new Map(
      Object.entries(ENTRIES).map(([name, file]) => [name, declarationsOf(file, read)]),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The page as the sources require it. */
export function writtenApi(declarations: ReadonlyMap<string, readonly Declaration[]>): string {
  const entries = [...declarations].map(([name, list]) => ({ name, declarations: list }));
  return apiPage(entries);
}
