/**
 * The syntax of retention in policies: `interest`, `age(72h)`, `bytes(10GiB)`, or the last two with a comma.
 *
 * Thread: any (pure).
 */

import { formatDuration, NS_PER_MS, parseDuration } from '../../daemon/go/go-duration.ts';
import { parseSize } from '../../daemon/options/byte-size.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { Kind } from '../../daemon/options/option-kinds.ts';
import type { Retention } from '../../shared/topic-policy.ts';

/** Messages are removed when all channels have finished them. */
export const WHILE_WANTED: Retention = { ageMs: 0, bytes: 0 };

const INTEREST = 'interest';
const LIMIT = /^(age|bytes)\(\s*([^()]+?)\s*\)$/;
const WANTED = 'must be interest, or such as age(72h), bytes(10GiB) or age(72h),bytes(10GiB)';

export const retention: Kind<Retention> = {
  word: 'interest|age(duration),bytes(size)',
  isSwitch: false,
  parseFlag: parseRetention,
  parseConfig: (value) =>
    typeof value === 'string' ? parseRetention(value) : new InvalidValue('must be a string'),
  spell: spellRetention,
  show: spellRetention,
};

function parseRetention(text: string): Retention | InvalidValue {
  if (text === INTEREST) return WHILE_WANTED;
  const found: { -readonly [Name in keyof Retention]: number } = { ...WHILE_WANTED };
  for (const part of text.split(',')) {
    const [, limit, amount] = LIMIT.exec(part.trim()) ?? [];
    if (limit === undefined || amount === undefined) return new InvalidValue(WANTED);
    const name = limit === 'age' ? 'ageMs' : 'bytes';
    if (found[name] > 0) return new InvalidValue(WANTED);
    const value = limit === 'age' ? parseMs(amount) : parseSize(amount);
    if (value instanceof InvalidValue) return value;
    if (value <= 0) return new InvalidValue(WANTED);
    found[name] = value;
  }
  return found;
}

function parseMs(text: string): number | InvalidValue {
  const ns = parseDuration(text);
  return ns instanceof InvalidValue ? ns : Math.ceil(ns / NS_PER_MS);
}

function spellRetention({ ageMs, bytes }: Retention): string {
  const parts: string[] = [];
  if (ageMs > 0) parts.push(`age(${formatDuration(ageMs * NS_PER_MS)})`);
  if (bytes > 0) parts.push(`bytes(${bytes})`);
  return parts.length === 0 ? INTEREST : parts.join(',');
}
