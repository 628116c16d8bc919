/**
 * Constraints on option values beyond their kind. A check returns the reason why a value is invalid, in nsqd's words
 * where nsqd has the same check.
 *
 * Thread: any.
 */

import { formatDuration, NS_PER_MS } from '../go/go-duration.ts';
import { parseListenAddress } from '../listen-address.ts';
import { InvalidValue } from './invalid-value.ts';
import { choiceHint } from './nearest-word.ts';

/** Returns why a value is invalid, or undefined. `name` is the flag with its dashes, or the key. */
export type Check<T> = (value: T, name: string) => string | undefined;

/** Accepts every value. */
export function anything(): undefined {
  return undefined;
}

/** A number within both bounds. `rule` replaces the end of the reason where nsqd's text differs. */
export function within(min: number, max: number, rule?: string): Check<number> {
  return (value, name) => {
    if (value >= min && value <= max) return undefined;
    return `${name} must be ${rule ?? `[${min},${max}], not ${value}`}`;
  };
}

/** A number of at least `min`. */
export function atLeast(min: number): Check<number> {
  return (value, name) =>
    value >= min ? undefined : `${name} must be at least ${min}, not ${value}`;
}

/** A duration within both bounds. Units: ms. */
export function lasting(minMs: number, maxMs: number): Check<number> {
  return (value, name) => {
    if (value >= minMs && value <= maxMs) return undefined;
    return `${name} must be [${spell(minMs)},${spell(maxMs)}], not ${spell(value)}`;
  };
}

/** One of a few words. */
export function oneOf(choices: readonly string[]): Check<string> {
  return (value, name) => {
    if (choices.includes(value)) return undefined;
    const words = choices.filter((choice) => choice !== '').join(', ');
    const hint = choiceHint(value, choices);
    return `${name} must be one of ${words}, not ${JSON.stringify(value)}${hint}`;
  };
}

/** An address to listen on; `port` is the usual one, which the reason of a wrong address shows. */
export function listenableAt(port?: number): Check<string> {
  return (value, name) => {
    const address = parseListenAddress(value, port);
    return address instanceof InvalidValue
      ? `${name} ${JSON.stringify(value)} ${address.why}`
      : undefined;
  };
}

/** An address of a broker to listen on. */
export const listenable: Check<string> = listenableAt();

/** An address to listen on, or an empty text. */
export function listenableOrNone(value: string, name: string): string | undefined {
  return value === '' ? undefined : listenable(value, name);
}

/** Every element is in (0,1]. */
export function quantiles(values: readonly number[]): string | undefined {
  const wrong = values.find((value) => !(value > 0 && value <= 1));
  if (wrong === undefined) return undefined;
  return `invalid E2E processing latency percentile: ${wrong}, must be above 0 and at most 1, such as 0.99`;
}

function spell(ms: number): string {
  return formatDuration(Math.round(ms * NS_PER_MS));
}
