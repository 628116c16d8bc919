/**
 * The syntax of redelivery delays in policies: `none`, or `exponential(1s,5m)`.
 *
 * Thread: any (pure).
 */

import { formatDuration, NS_PER_MS, parseDuration } from '../../daemon/go/go-duration.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { Kind } from '../../daemon/options/option-kinds.ts';
import type { Backoff } from '../../shared/topic-policy.ts';

const NONE = 'none';
const EXPONENTIAL = /^exponential\(\s*([^,\s]+)\s*,\s*([^,\s]+)\s*\)$/;
/** Delays are sent as 32-bit words. */
const DELAY_MS_MAX = 2 ** 32 - 1;

/** Null for no delay. */
export const backoff: Kind<Backoff | null> = {
  word: 'none|exponential(min,max)',
  isSwitch: false,
  parseFlag: parseBackoff,
  parseConfig: (value) =>
    typeof value === 'string' ? parseBackoff(value) : new InvalidValue('must be a string'),
  spell: spellBackoff,
  show: spellBackoff,
};

function parseBackoff(text: string): Backoff | null | InvalidValue {
  if (text === NONE) return null;
  const match = EXPONENTIAL.exec(text);
  if (match === null) return new InvalidValue('must be none, or for example exponential(1s,5m)');
  const [minMs, maxMs] = match.slice(1).map(parseMs);
  if (minMs instanceof InvalidValue) return minMs;
  if (maxMs instanceof InvalidValue) return maxMs;
  if (minMs < 1 || maxMs < minMs || maxMs > DELAY_MS_MAX) {
    return new InvalidValue(
      'needs a first delay of 1ms or more, and a longest one that is not below it',
    );
  }
  return { minMs, maxMs };
}

function parseMs(text: string): number | InvalidValue {
  const ns = parseDuration(text);
  return ns instanceof InvalidValue ? ns : Math.ceil(ns / NS_PER_MS);
}

function spellBackoff(value: Backoff | null): string {
  if (value === null) return NONE;
  const [min, max] = [value.minMs, value.maxMs].map((ms) => formatDuration(ms * NS_PER_MS));
  return `exponential(${min},${max})`;
}
