/**
 * A part of a size: a number of bytes, or a percentage.
 *
 * Thread: any.
 */

import { formatSize, NO_SIZE, parseSize, roughSize } from './byte-size.ts';
import { InvalidValue } from './invalid-value.ts';

/** Units: bytes, or percent from 0 to 100. */
export type Portion =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'percent'; readonly percent: number };

const PERCENT = /^(\d+(?:\.\d+)?) ?%$/;
const PERCENT_MAX = 100;

/** Parses `16MiB` or `10%`. Errors: returns why the text is neither. */
export function parsePortion(text: string): Portion | InvalidValue {
  const match = PERCENT.exec(text);
  if (match === null) {
    const bytes = parseSize(text);
    if (!(bytes instanceof InvalidValue)) return { kind: 'bytes', bytes };
    return bytes.why === NO_SIZE
      ? new InvalidValue(`${NO_SIZE}, or a percentage such as 10%`)
      : bytes;
  }
  const percent = Number(match[1]);
  if (percent > PERCENT_MAX) return new InvalidValue(`must be at most ${PERCENT_MAX}%`);
  return { kind: 'percent', percent };
}

/** Formats a portion in the syntax of `parsePortion`. */
export function formatPortion(portion: Portion): string {
  return portion.kind === 'bytes' ? formatSize(portion.bytes) : `${portion.percent}%`;
}

/** Describes a portion of a known whole; a percentage is shown with its bytes. */
export function describePortion(portion: Portion, wholeBytes: number): string {
  const spelled = formatPortion(portion);
  if (portion.kind === 'bytes') return spelled;
  return `${spelled} (${roughSize(portionBytes(portion, wholeBytes))})`;
}

/** Whether the portion is zero. */
export function isNothing(portion: Portion): boolean {
  return (portion.kind === 'bytes' ? portion.bytes : portion.percent) === 0;
}

/** The bytes of a portion of a whole. */
export function portionBytes(portion: Portion, wholeBytes: number): number {
  if (portion.kind === 'bytes') return portion.bytes;
  return Math.floor((wholeBytes * portion.percent) / PERCENT_MAX);
}
