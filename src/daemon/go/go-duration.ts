/**
 * Durations as Go writes them: `1h30m`, `250ms`, `1.5s`.
 *
 * Units: nanoseconds, as a safe integer, so at most 104 days in either direction.
 * Thread: any.
 * Source: Go's `time.ParseDuration` and `Duration.String`; differs in rejecting durations beyond that.
 */

import { assert } from '../../shared/assert.ts';
import { InvalidValue } from '../options/invalid-value.ts';

/** Nanoseconds of a millisecond. */
export const NS_PER_MS = 1e6;

/** The longest duration. Units: ms. */
export const DURATION_MS_MAX = Math.floor(Number.MAX_SAFE_INTEGER / NS_PER_MS);

const NS_PER_SECOND = 1e9;

/** Nanoseconds of each unit. The two spellings of µ are the micro sign and the Greek letter. */
const UNIT_NS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['\u00b5s', 1e3],
  ['\u03bcs', 1e3],
  ['ms', NS_PER_MS],
  ['s', NS_PER_SECOND],
  ['m', 60 * NS_PER_SECOND],
  ['h', 3600 * NS_PER_SECOND],
]);

const EXAMPLES = '60s, 250ms or 1m30s';
/** One number with its unit: whole digits, fraction digits, unit. */
const PART = /(\d*)(?:\.(\d*))?([^\d.]*)/y;

/** Parses a duration. Errors: returns why the text is not a duration, or that it is too long. */
export function parseDuration(text: string): number | InvalidValue {
  const invalid = new InvalidValue(`invalid duration; write for example ${EXAMPLES}`);
  const isNegative = text.startsWith('-');
  const unsigned = isNegative || text.startsWith('+') ? text.slice(1) : text;
  if (unsigned === '0') return 0;
  if (unsigned === '') return invalid;

  let totalNs = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < unsigned.length) {
    const part = PART.exec(unsigned);
    if (part === null) return invalid;
    const [, whole, fraction = '', unit] = part;
    if (whole === '' && fraction === '') return invalid;
    if (unit === '') return new InvalidValue(`missing unit in duration, as in ${part[0]}s`);
    const unitNs = UNIT_NS.get(unit);
    if (unitNs === undefined) return unknownUnit(unit);
    totalNs += Number(whole) * unitNs + fractionNs(fraction, unitNs);
  }
  if (totalNs > Number.MAX_SAFE_INTEGER)
    return new InvalidValue('duration is longer than 104 days');
  return isNegative ? 0 - totalNs : totalNs;
}

function unknownUnit(unit: string): InvalidValue {
  return new InvalidValue(`unknown unit "${unit}" in duration; units are h, m, s, ms, us and ns`);
}

/** Writes a duration in Go's normal form: `1m30s`, `250ms`, `0s`. */
export function formatDuration(ns: number): string {
  assert(Number.isSafeInteger(ns), 'a duration is a whole number of nanoseconds');
  if (ns < 0) return `-${formatDuration(-ns)}`;
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${ns}ns`;
  if (ns < NS_PER_MS) return `${decimal(ns, 1e3)}\u00b5s`;
  if (ns < NS_PER_SECOND) return `${decimal(ns, NS_PER_MS)}ms`;

  const minutes = Math.floor(ns / (60 * NS_PER_SECOND));
  const seconds = `${decimal(ns % (60 * NS_PER_SECOND), NS_PER_SECOND)}s`;
  if (minutes === 0) return seconds;
  if (minutes < 60) return `${minutes}m${seconds}`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** The value of the digits after the point; fractions of a nanosecond are cut off. */
function fractionNs(digits: string, unitNs: number): number {
  // No unit has more than 13 digits of nanoseconds, so later digits do not matter.
  const significant = digits.slice(0, 15);
  return Math.floor((Number(significant) * unitNs) / 10 ** significant.length);
}

/** `ns / unitNs` in decimal, exactly. */
function decimal(ns: number, unitNs: number): string {
  const whole = Math.floor(ns / unitNs);
  const rest = ns % unitNs;
  if (rest === 0) return `${whole}`;
  const digits = Math.log10(unitNs);
  return `${whole}.${rest.toString().padStart(digits, '0').replace(/0+$/, '')}`;
}
