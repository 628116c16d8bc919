/**
 * Sizes in bytes as people write them: `16777216`, `16MiB`, `1.5GB`.
 *
 * Units: bytes, whole; KB, MB, GB and TB count in thousands, KiB, MiB, GiB and TiB in powers of 1024, in any case.
 * Thread: any.
 */

import { InvalidValue } from './invalid-value.ts';

/** The largest first, so that the first that fits gives the shortest text. */
const BINARY_UNITS: readonly (readonly [string, number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
];
const DECIMAL_UNITS: readonly (readonly [string, number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
];
const UNIT_BYTES: ReadonlyMap<string, number> = new Map(
  [...BINARY_UNITS, ...DECIMAL_UNITS, ['B', 1] as const].map(([unit, bytes]) => [
    unit.toLowerCase(),
    bytes,
  ]),
);

/** The reason for rejecting a text that is not a size. */
export const NO_SIZE = 'must be bytes, such as 1048576, 16MiB or 1.5GB';

/** Digits, or digits with an optional fraction and a unit. */
const SIZE = /^(?:(\d+)|(\d+(?:\.\d+)?) ?([a-z]+))$/i;

/** Parses a size. Fractions of a byte are cut off. Errors: returns why the text is not a size. */
export function parseSize(text: string): number | InvalidValue {
  const match = SIZE.exec(text);
  if (match === null) return new InvalidValue(NO_SIZE);
  const [, plain, number, unit = 'B'] = match;
  const unitBytes = UNIT_BYTES.get(unit.toLowerCase());
  if (unitBytes === undefined)
    return new InvalidValue(`unknown unit "${unit}" in size, which ${NO_SIZE}`);
  const bytes = Math.floor(Number(plain ?? number) * unitBytes);
  return Number.isSafeInteger(bytes) ? bytes : new InvalidValue('value out of range');
}

/** Formats a size exactly, in the largest unit that divides it. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  for (const [unit, unitBytes] of [...BINARY_UNITS, ...DECIMAL_UNITS]) {
    if (bytes % unitBytes === 0) return `${bytes / unitBytes}${unit}`;
  }
  return bytes.toString();
}

/** Formats a size approximately, with one digit after the point. */
export function roughSize(bytes: number): string {
  for (const [unit, unitBytes] of BINARY_UNITS) {
    if (bytes >= unitBytes) return `${(bytes / unitBytes).toFixed(1)}${unit}`;
  }
  return `${bytes}B`;
}
