/**
 * Reads declaration files as the compiler writes them: which names an entry exports, and how each is declared.
 *
 * Errors: throws on anything that it does not understand, so that nothing is left out silently.
 */

import path from 'node:path';

/** One exported name. */
export type Declaration = {
  readonly name: string;
  /** The doc comment's text, without its examples. */
  readonly text: string;
  /** Code, without its fences. */
  readonly examples: readonly string[];
  /** As the compiler writes it, comments of members included. */
  readonly code: string;
};

const EXPORT = /^export (?:type )?\{([^}]*)\} from '([^']+)';$/gm;

/** The declarations that a file exports from others, by name. `read` reads a declaration file. */
export function declarationsOf(entry: string, read: (file: string) => string): Declaration[] {
  const declarations: Declaration[] = [];
  for (const [, names, from] of read(entry).matchAll(EXPORT)) {
    const file = path.posix.join(path.posix.dirname(entry), from.replace(/\.[jt]s$/, '.d.ts'));
    for (const name of names.split(',').map((text) => text.trim().replace(/^type /, ''))) {
      if (name !== '') declarations.push(declarationOf(name, read(file), file));
    }
  }
  return declarations.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function declarationOf(name: string, source: string, file: string): Declaration {
  const lines = source.split('\n');
  const start = new RegExp(`^export (?:declare )?(?:class|type|const|function) ${name}\\b`);
  const first = lines.findIndex((line) => start.test(line));
  if (first === -1) throw new Error(`${file} does not declare ${name}`);
  const comment = commentAbove(lines, first);
  const code = lines.slice(first, endOf(lines, first)).join('\n');
  return { name, ...commentParts(comment), code: code.replace('export declare ', 'export ') };
}

/** The line after a declaration: the one after the first line at whose end all brackets are closed. */
function endOf(lines: readonly string[], first: number): number {
  let depth = 0;
  for (let index = first; index < lines.length; index++) {
    const line = lines[index].trimStart();
    // brackets in comments do not count
    if (line.startsWith('*') || line.startsWith('/**')) continue;
    for (const character of line) {
      if ('{(['.includes(character)) depth++;
      else if ('})]'.includes(character)) depth--;
    }
    if (depth === 0 && /[;}]$/.test(line)) return index + 1;
  }
  throw new Error(`no end of "${lines[first]}"`);
}

function commentAbove(lines: readonly string[], first: number): string[] {
  let start = first - 1;
  if (start < 0 || !lines[start].trimEnd().endsWith('*/')) return [];
  while (start >= 0 && !lines[start].trimStart().startsWith('/**')) start--;
  return lines.slice(start, first).map((line) =>
    line
      .replace(/^\s*\/?\*+ ?/, '')
      .replace(/\s*\*\/\s*$/, '')
      .trimEnd(),
  );
}

function commentParts(comment: readonly string[]): Pick<Declaration, 'text' | 'examples'> {
  const [text, ...examples] = comment.join('\n').replace(/\/$/, '').split('@example\n');
  return {
    text: text.trim(),
    examples: examples.map((example) => /```ts\n([\s\S]*?)\n```/.exec(example)?.[1] ?? ''),
  };
}
