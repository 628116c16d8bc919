/**
 * Why a test failed, for a reader: the message, the lines that differ, and the place. The runtime's own text ends after
 * the first fifty lines of a comparison and then prints both values in full.
 */

import { diff, inspect } from 'node:util';

/** Equal lines that are shown before and after those that differ. */
const CONTEXT_LINES = 2;
/** Lines of a difference that are shown. */
const SHOWN_LINES_MAX = 60;
/** Lines that are compared; the cost of a comparison grows with the square of the difference. */
const COMPARED_LINES_MAX = 2000;
/** Frames of the test runner and of Node do not help. */
const FOREIGN_FRAME = /^\s+at .*(?:node:internal\/|\(node:|node:async_hooks)/;

/** The part of the runner's report about a failed test that is read here. */
type Failure = { readonly cause?: unknown; readonly exitCode?: unknown; readonly signal?: unknown };
type Comparison = Error & { readonly actual: unknown; readonly expected: unknown };

/** The text of a failure, without the name of the test. */
export function failureText(failure: Failure): string {
  const { cause = failure, exitCode, signal } = failure;
  if (exitCode !== undefined) {
    return `the file ended with ${signal === null ? `status ${exitCode}` : signal}`;
  }
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : inspect(cause);
  if (!isComparison(cause)) return withoutForeignFrames(inspect(cause));
  const [headline] = cause.message.split('\n', 1);
  const frames = (cause.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return withoutForeignFrames(
    [headline, ...differenceOf(cause.actual, cause.expected), ...frames].join('\n'),
  );
}

/** The lines in which two values differ, with their neighbours: `+` is the actual line, `-` the expected one. */
export function differenceOf(actual: unknown, expected: unknown): string[] {
  const entries = compare(linesOf(actual), linesOf(expected));
  const isNear = entries.map(() => false);
  entries.forEach(([side], index) => {
    if (side === 0) return;
    isNear.fill(true, Math.max(index - CONTEXT_LINES, 0), index + CONTEXT_LINES + 1);
  });
  const shown: string[] = [];
  entries.forEach(([side, line], index) => {
    if (isNear[index]) shown.push(`${side === 0 ? ' ' : side > 0 ? '+' : '-'} ${line}`);
    else if (index === 0 || isNear[index - 1]) shown.push('  ...');
  });
  const isLong = shown.length > SHOWN_LINES_MAX;
  return [
    '+ got, - expected',
    ...shown.slice(0, SHOWN_LINES_MAX),
    ...(isLong ? [`  ... and ${shown.length - SHOWN_LINES_MAX} more lines`] : []),
  ];
}

/** Compares from the first line that differs to the last. */
function compare(actual: string[], expected: string[]): [number, string][] {
  const shorter = Math.min(actual.length, expected.length);
  let start = 0;
  while (start < shorter && actual[start] === expected[start]) start += 1;
  let end = 0;
  while (end < shorter - start && actual.at(-1 - end) === expected.at(-1 - end)) end += 1;
  const ownLines = actual.slice(start, actual.length - end);
  const otherLines = expected.slice(start, expected.length - end);
  const isComparable = ownLines.length + otherLines.length <= COMPARED_LINES_MAX;
  const middle: [number, string][] = isComparable
    ? diff(ownLines, otherLines).map(([side, line]) => [side, line])
    : [...mark(1, ownLines), ...mark(-1, otherLines)];
  return [
    ...mark(0, actual.slice(0, start)),
    ...middle,
    ...mark(0, actual.slice(actual.length - end)),
  ];
}

function mark(side: number, lines: string[]): [number, string][] {
  return lines.map((line) => [side, line]);
}

/** A value, one element or field per line. A text is not quoted, so that its lines are compared. */
function linesOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split('\n').map((line) => JSON.stringify(line));
  const options = { depth: null, maxArrayLength: null, maxStringLength: null, compact: false };
  return inspect(value, { ...options, breakLength: 1, sorted: true }).split('\n');
}

function isComparison(error: Error): error is Comparison {
  return (
    'code' in error && error.code === 'ERR_ASSERTION' && 'actual' in error && 'expected' in error
  );
}

function withoutForeignFrames(text: string): string {
  return text
    .split('\n')
    .filter((line) => !FOREIGN_FRAME.test(line))
    .join('\n');
}
