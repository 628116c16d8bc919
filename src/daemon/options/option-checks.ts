/**
 * What a value of an option must fulfil beyond its kind. A check answers with the reason why a value cannot be
 * used, in nsqd's words where nsqd has any.
 *
 * Thread: any.
 */

import { formatDuration, NS_PER_MS } from '../go/go-duration.ts';
import { parseListenAddress } from '../listen-address.ts';
import { InvalidValue } from './invalid-value.ts';
import { suggestion } from './nearest-word.ts';

/** Returns why a value is refused, or undefined. `name` is what the value belongs to: a flag with its dashes, a key. */
export type Check<T> = (value: T, name: string) => string | undefined;

/** Every value will do. */
export function anything(): undefined {
  return undefined;
}

/** The value is within both bounds. `rule` replaces the reason's end where nsqd has a text of its own. */
export function within(min: number, max: number, rule?: string): Check<number> {
  return (value, name) => {
    if (value >= min && value <= max) return undefined;
    return `${name} must be ${rule ?? `[${min},${max}], not ${value}`}`;
  };
}

/** A number that is not below `min`. */
export function atLeast(min: number): Check<number> {
  return (value, name) =>
    value >= min ? undefined : `${name} must be at least ${min}, not ${value}`;
}

/** A length of time within both bounds. Units: ms. */
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
    const hint = suggestion(value, choices);
    return `${name} must be one of ${words}, not ${JSON.stringify(value)}${hint}`;
  };
}

/** An address to listen on. */
export function listenable(value: string, name: string): string | undefined {
  const address = parseListenAddress(value);
  return address instanceof InvalidValue
    ? `${name} ${JSON.stringify(value)} ${address.why}`
    : undefined;
}

/** An address to listen on, or nothing. */
export function listenableOrNone(value: string, name: string): string | undefined {
  return value === '' ? undefined : listenable(value, name);
}

/** Every element is in (0,1]. */
export function quantiles(values: readonly number[]): string | undefined {
  const wrong = values.find((value) => !(value > 0 && value <= 1));
  return wrong === undefined ? undefined : `invalid E2E processing latency percentile: ${wrong}`;
}

function spell(ms: number): string {
  return formatDuration(Math.round(ms * NS_PER_MS));
}
