/** The rules for single files. */

import path from 'node:path';
import type { Finding } from './finding.ts';
import type { Source } from './source.ts';

const LINE_MAX = 120;
const FILE_LINES_MAX = 400;
const ENTRY = 'src/main/index.ts';
const CLOCK = 'src/shared/clock.ts';
const DEFAULT_EXPORTS = [
  'src/workers/pump-thread.ts',
  'src/workers/disk-thread.ts',
  'src/workers/stream-thread.ts',
];
const DIRECTORIES = 'src/daemon/directories.ts';
const ATOMICS = /^src\/shared\/(?:ring\/|counters[^/]*\.ts$)/;
/** Browsers have timers of their own. */
const PAGE = /^src\/ui\//;
const EMPTY_WORDS = ['util', 'utils', 'helper', 'helpers', 'manager', 'common', 'impl'];

export function checkFile(source: Source): Finding[] {
  const isProduct = source.file.startsWith('src/');
  const findings = [
    ...checkName(source.file),
    ...checkComments(source),
    ...checkCatches(source),
    ...checkDropped(source),
  ];
  if (isProduct) {
    findings.push(...checkLengths(source), ...checkExports(source), ...checkWords(source));
  }
  return findings;
}

function checkName(file: string): Finding[] {
  const name = path.posix.basename(file);
  const base = name.replace(/(?:\.(?:test|d))?\.(?:ts|mjs|js)$/, '');
  const findings: Finding[] = [];
  const add = (what: string): void => void findings.push({ file, line: 1, what });
  if (name === 'index.ts' && file !== ENTRY) add(`the only index.ts is ${ENTRY}`);
  if (/\d/.test(base)) add('a file name has no digits');
  else if (!/^[a-z]+(?:-[a-z]+)*$/.test(base)) add('a file name is kebab-case');
  for (const word of base.split('-')) {
    if (EMPTY_WORDS.includes(word)) add(`"${word}" in a file name says nothing`);
  }
  return findings;
}

function checkComments(source: Source): Finding[] {
  const findings: Finding[] = [];
  for (const comment of source.comments) {
    comment.text.split('\n').forEach((text, index) => {
      const word = /\b(?:TODO|FIXME)\b/.exec(text)?.[0];
      const line = comment.line + index;
      if (word !== undefined) findings.push({ file: source.file, line, what: `a ${word} is left` });
    });
  }
  return findings;
}

/** A comment alone does not fill an empty block. */
function checkCatches(source: Source): Finding[] {
  const empty = /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}|\.catch\(\s*\([^)]*\)\s*=>\s*\{\s*\}\s*\)/g;
  return [...source.code.matchAll(empty)].map(({ index }) => ({
    file: source.file,
    line: source.code.slice(0, index).split('\n').length,
    what: 'a catch handles the error or adds context',
  }));
}

/** A swallowed error needs a comment with the reason: at the line, above it, or as the first line of the block. */
function checkDropped(source: Source): Finding[] {
  const dropped = /\bcatch\s*\{(?!\s*\})|\.catch\(\s*\(\)\s*=>\s*undefined\s*\)/;
  const explained = new Set(
    source.comments.flatMap(({ line, text }) => {
      const last = line + text.split('\n').length - 1;
      return [line - 1, last, last + 1];
    }),
  );
  const findings: Finding[] = [];
  const what = 'a comment says why the error may be dropped';
  let isAbove = false;
  source.codeLines.forEach((text, index) => {
    const line = index + 1;
    const isDropped = dropped.test(text);
    // One comment may stand above several such lines.
    const isExplained = isDropped && (explained.has(line) || isAbove);
    if (isDropped && !isExplained) findings.push({ file: source.file, line, what });
    isAbove = isExplained;
  });
  return findings;
}

function checkLengths(source: Source): Finding[] {
  const findings: Finding[] = [];
  // The text after the last line end is not a line.
  const lineCount = source.lines.length - (source.lines.at(-1) === '' ? 1 : 0);
  if (lineCount > FILE_LINES_MAX) {
    const what = `a file of ${lineCount} lines, ${FILE_LINES_MAX} at most: it holds two ideas`;
    findings.push({ file: source.file, line: 1, what });
  }
  source.lines.forEach(({ length }, index) => {
    const what = `a line of ${length} characters, ${LINE_MAX} at most`;
    if (length > LINE_MAX) findings.push({ file: source.file, line: index + 1, what });
  });
  return findings;
}

function checkExports(source: Source): Finding[] {
  return source
    .exports()
    .filter(({ isDocumented }) => !isDocumented)
    .map(({ line, text }) => ({ file: source.file, line, what: `${text} has no doc comment` }));
}

function checkWords(source: Source): Finding[] {
  const { file } = source;
  const findings: Finding[] = [];
  const forbid = (words: RegExp, what: string): void => {
    source.codeLines.forEach((text, index) => {
      const word = words.exec(text)?.[0];
      if (word !== undefined) findings.push({ file, line: index + 1, what: `${word} ${what}` });
    });
  };
  if (!ATOMICS.test(file)) {
    forbid(/\bAtomics\b/, 'is only for src/shared/ring and src/shared/counters*.ts');
  }
  if (file !== CLOCK && !PAGE.test(file)) {
    const clocks = /\b(?:Date|performance)\.now\b|\bglobalThis\.set(?:Timeout|Interval)\b/;
    forbid(clocks, `is only for ${CLOCK}`);
    // sockets and requests have a method of that name
    forbid(/(?<![\w$.#])set(?:Timeout|Interval)\b/, `is only for ${CLOCK}`);
  }
  // Node's recursive mkdir never returns for a path in /proc.
  forbid(/\bmkdir(?:Sync)?\(.*\brecursive\b/, `is only for ${DIRECTORIES}`);
  if (!DEFAULT_EXPORTS.includes(file)) {
    forbid(/\bexport default\b|\bas default\b/, 'is only for the worker entries');
  }
  return findings;
}
