/**
 * The examples that users read: in doc comments of the package's exports, and in pages. Each is a complete program.
 *
 * Thread: any.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { publicDeclarations } from '../../scripts/api/written-api.ts';

const PROJECT = path.dirname(path.dirname(import.meta.dirname));
/** Pages whose TypeScript is run; pages on other topics have none. */
const PAGES = ['docs/client.md', 'docs/embedding.md', 'docs/from-nsqjs.md'];
const BLOCK = /^```ts\n([\s\S]*?)\n```$/gm;

export type DocumentedExample = {
  /** Its place in the sources. */
  readonly where: string;
  readonly code: string;
};

/** All examples. */
export function documentedExamples(): DocumentedExample[] {
  const declarations = new Map(
    [...publicDeclarations().values()].flat().map((declaration) => [declaration.name, declaration]),
  );
  return [
    ...[...declarations.values()].flatMap(({ name, examples }) =>
      examples.map((code) => ({ where: `the comment of ${name}`, code })),
    ),
    ...PAGES.flatMap((page) => {
      const text = readFileSync(path.join(PROJECT, page), 'utf8');
      return [...text.matchAll(BLOCK)].map(({ 1: code, index }) => {
        const line = text.slice(0, index).split('\n').length;
        return { where: `${page}:${line}`, code };
      });
    }),
  ];
}
