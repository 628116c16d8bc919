/**
 * The types of option values: how each is parsed from the command line, from a configuration file and from a program,
 * how the usage shows it, and how `GET /config` returns it.
 *
 * Thread: any.
 * Source: Go's `flag` and go-options' coercions.
 */

import { formatDuration, NS_PER_MS, parseDuration } from '../go/go-duration.ts';
import { LOG_LEVELS, type LogLevel, logLevelNumber, parseLogLevel } from '../log.ts';
import { formatSize, parseSize } from './byte-size.ts';
import { InvalidValue } from './invalid-value.ts';
import { choiceHint } from './nearest-word.ts';
import { formatPortion, type Portion, parsePortion } from './portion.ts';

/** An option's value as `GET /config` returns it: a string as text, everything else as JSON. */
export type ConfigValue = string | number | boolean | readonly string[] | readonly number[];

/** Parses and formats values of one type. */
export interface Kind<T> {
  /** The placeholder of a value in the usage; empty if the flag needs no value. */
  readonly word: string;
  /** Whether the flag alone means `true`, so that the next word is not its value. */
  readonly isSwitch: boolean;
  /** Parses a flag's value. Repeated flags extend a list: `earlier` is the value so far. */
  parseFlag(text: string, earlier: T | undefined): T | InvalidValue;
  /** Parses a value of a configuration file, in which an integer is a bigint and a float is a number. */
  parseConfig(value: unknown): T | InvalidValue;
  /** Formats a value in the syntax of the flag. */
  spell(value: T): string;
  show(value: T): ConfigValue;
}

/** The same for values that a program may also pass, as a `Given`. */
export interface OptionKind<T, Given = T> extends Kind<T> {
  /** Reads a value from a program, which may be anything, because the program may not use types. */
  parseGiven(value: Given): T | InvalidValue;
}

/** Which connections must use TLS: none, all but plain HTTP, or all. */
export type TlsRequired = boolean | 'tcp-https';

/** Versions of TLS with their numbers on the wire. */
const TLS_VERSIONS = { 'tls1.0': 769, 'tls1.1': 770, 'tls1.2': 771, 'tls1.3': 772 } as const;

/** As in `1.2`. */
const VERSION_NUMBER_LENGTH = 3;

/** The accepted names of TLS versions. */
export type TlsVersion = keyof typeof TLS_VERSIONS;

/** Any text. A program passes null for none. */
export const text: OptionKind<string, string | null> = {
  word: 'string',
  isSwitch: false,
  parseFlag: (given) => given,
  parseConfig: (value) =>
    typeof value === 'string' ? value : new InvalidValue('must be a string'),
  parseGiven: (value) => {
    if (value === null) return '';
    if (typeof value !== 'string') return new InvalidValue('must be a string or null');
    return value.includes('\0') ? new InvalidValue('must have no zero byte') : value;
  },
  spell: (value) => JSON.stringify(value),
  show: (value) => value,
};

/** A safe integer. */
export const integer: OptionKind<number> = {
  word: 'int',
  isSwitch: false,
  parseFlag: parseInteger,
  parseConfig: (value) => {
    if (typeof value === 'bigint') return safeInteger(value);
    if (typeof value !== 'string') return new InvalidValue('must be an integer');
    // No base prefixes: in a file, `"010"` is ten.
    return /^[+-]?\d+$/.test(value)
      ? safeInteger(BigInt(value.replace('+', '')))
      : new InvalidValue('must be an integer');
  },
  parseGiven: (value) =>
    Number.isSafeInteger(value) ? value : new InvalidValue('must be a whole number'),
  spell: (value) => value.toString(),
  show: (value) => value,
};

/** A number that may have a fraction. */
export const float: OptionKind<number> = {
  word: 'float',
  isSwitch: false,
  parseFlag: parseOneFloat,
  parseConfig: (value) => parseOneFloat(String(value)),
  parseGiven: (value) => (Number.isFinite(value) ? value : new InvalidValue('must be a number')),
  spell: (value) => value.toString(),
  show: (value) => value,
};

/** Units: ms in the program, with fractions down to ns; ns in `/config`. */
export const duration: OptionKind<number> = {
  word: 'duration',
  isSwitch: false,
  parseFlag: parseDurationMs,
  parseConfig: (value) => {
    if (typeof value === 'string') return parseDurationMs(value);
    // A plain number means milliseconds here, although on the command line it is an error.
    if (typeof value === 'bigint') return parseDurationMs(`${value}ms`);
    return new InvalidValue(
      'must be a duration such as "250ms", or an integer number of milliseconds',
    );
  },
  parseGiven: (value) => {
    if (!Number.isFinite(value)) return new InvalidValue('must be a number of milliseconds');
    const isLong = !Number.isSafeInteger(durationNs(value));
    return isLong ? new InvalidValue('duration is longer than 104 days') : value;
  },
  spell: (value) => formatDuration(durationNs(value)),
  show: durationNs,
};

/** Units: bytes, also in `/config`. */
export const size: OptionKind<number, number | string> = {
  word: 'size',
  isSwitch: false,
  parseFlag: parseSize,
  parseConfig: (value) => parseSizeConfig(value, parseSize),
  parseGiven: (value) => parseGivenSize(value, parseSize),
  spell: formatSize,
  show: (value) => value,
};

/** A size, or a percentage of a whole that is known only at run time. A percentage is shown as written. */
export const portion: OptionKind<Portion, number | string> = {
  word: 'size|percent',
  isSwitch: false,
  parseFlag: parsePortion,
  parseConfig: (value) => parseSizeConfig(value, parsePortion),
  parseGiven: (value) => parseGivenSize(value, parsePortion),
  spell: formatPortion,
  show: (value) => (value.kind === 'bytes' ? value.bytes : formatPortion(value)),
};

/** True or false. */
export const boolean: OptionKind<boolean> = {
  word: '',
  isSwitch: true,
  parseFlag: parseBoolean,
  parseConfig: (value) => {
    if (typeof value === 'boolean') return value;
    return typeof value === 'string'
      ? parseBoolean(value)
      : new InvalidValue('must be true or false');
  },
  parseGiven: (value) =>
    typeof value === 'boolean' ? value : new InvalidValue('must be true or false'),
  spell: (value) => value.toString(),
  show: (value) => value,
};

/** A list of texts, one for each mention of its flag. */
export const texts: OptionKind<readonly string[]> = {
  word: 'string',
  isSwitch: false,
  parseFlag: (given, earlier = []) => [...earlier, given],
  parseConfig: (value) => {
    if (typeof value === 'string') return value.split(',');
    const isList = Array.isArray(value) && value.every((element) => typeof element === 'string');
    return isList
      ? value
      : new InvalidValue('must be an array of strings, or one string with commas');
  },
  parseGiven: (value) =>
    Array.isArray(value) && value.every((element) => typeof element === 'string')
      ? [...value]
      : new InvalidValue('must be an array of strings'),
  spell: (value) => value.join(','),
  show: (value) => value,
};

/** Values from flags are sorted, highest first; values from a file keep their order, as in nsqd. */
export const percentiles: OptionKind<readonly number[]> = {
  word: 'floats',
  isSwitch: false,
  parseFlag: (given, earlier = []) => {
    const values = checkedPercentiles([...earlier, ...given.split(',').map(parseFloatText)]);
    return values instanceof InvalidValue ? values : values.toSorted((a, b) => b - a);
  },
  parseConfig: (value) => {
    // The file's order is kept.
    if (typeof value === 'string') return checkedPercentiles(value.split(',').map(parseFloatText));
    const isList =
      Array.isArray(value) && value.every((e) => typeof e === 'number' || typeof e === 'bigint');
    return isList
      ? checkedPercentiles(value.map(Number))
      : new InvalidValue('must be an array of floats, or one string with commas');
  },
  parseGiven: (value) =>
    Array.isArray(value) && value.every((element) => typeof element === 'number')
      ? value.toSorted((a, b) => b - a)
      : new InvalidValue('must be an array of numbers'),
  spell: (value) => value.join(','),
  show: (value) => value,
};

/** A level of the log. */
export const logLevel: OptionKind<LogLevel> = {
  word: 'level',
  isSwitch: false,
  parseFlag: parseLevel,
  parseConfig: (value) =>
    typeof value === 'string' ? parseLevel(value) : new InvalidValue('must be a string'),
  parseGiven: (value) => parseLevel(String(value)),
  spell: (value) => value,
  show: logLevelNumber,
};

/** Whether clients must use TLS: over TCP only, or over TCP and HTTP. */
export const tlsRequired: OptionKind<TlsRequired> = {
  word: '',
  isSwitch: true,
  parseFlag: parseTlsRequired,
  parseConfig: (value) => {
    if (typeof value === 'boolean') return value;
    return typeof value === 'string'
      ? parseTlsRequired(value)
      : new InvalidValue('must be true, false or "tcp-https"');
  },
  parseGiven: (value) => parseTlsRequired(String(value)),
  spell: (value) => value.toString(),
  show: (value) => (value === 'tcp-https' ? 1 : value ? 2 : 0),
};

/** A version of TLS. */
export const tlsVersion: OptionKind<TlsVersion> = {
  word: 'version',
  isSwitch: false,
  parseFlag: parseTlsVersion,
  parseConfig: (value) =>
    typeof value === 'string' ? parseTlsVersion(value) : new InvalidValue('must be a string'),
  parseGiven: (value) => parseTlsVersion(String(value)),
  spell: (value) => value,
  show: (value) => TLS_VERSIONS[value],
};

const MULTIPLES: ReadonlyMap<string | undefined, number> = new Map([
  ['k', 1e3],
  ['m', 1e6],
  ['g', 1e9],
]);
const INTEGER_EXAMPLE = 100;
/** A sign, then digits of base 16, 2, 8 or 10; an underscore separates digits, or a prefix from a digit. */
const INTEGER = /^([+-]?)(0x(?:_?[\da-f])+|0b(?:_?[01])+|0o?(?:_?[0-7])+|0|[1-9](?:_?\d)*)$/i;

/** Source: Go's `strconv.ParseInt` with base 0. */
function parseInteger(given: string): number | InvalidValue {
  const match = INTEGER.exec(given);
  if (match === null) return new InvalidValue(noInteger(given));
  const [, sign, digits] = match;
  const plain = digits.replaceAll('_', '').toLowerCase();
  // Go reads a leading zero as octal; BigInt needs the prefix.
  const magnitude = BigInt(/^0\d/.test(plain) ? `0o${plain}` : plain);
  return safeInteger(sign === '-' ? -magnitude : magnitude);
}

/** The reason for rejecting a text that is not a whole number; a text with a unit gets the number it may mean. */
function noInteger(given: string): string {
  const [, number, unit] = /^([+-]?\d+(?:\.\d+)?) ?([kmg])(?:i?b)?$/i.exec(given) ?? [];
  const value = Number(number) * (MULTIPLES.get(unit?.toLowerCase()) ?? Number.NaN);
  const example = Number.isSafeInteger(value) ? value : INTEGER_EXAMPLE;
  return `parse error, must be a whole number without a unit, such as ${example}`;
}

function safeInteger(value: bigint): number | InvalidValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : new InvalidValue('value out of range');
}

function parseDurationMs(given: string): number | InvalidValue {
  const ns = parseDuration(given);
  return ns instanceof InvalidValue ? ns : ns / NS_PER_MS;
}

function durationNs(ms: number): number {
  return Math.round(ms * NS_PER_MS);
}

/** In a file, a number without a unit means bytes, also as a string. */
function parseSizeConfig<T>(
  value: unknown,
  parse: (text: string) => T | InvalidValue,
): T | InvalidValue {
  if (typeof value === 'bigint') return parse(value.toString());
  if (typeof value === 'string') return parse(value);
  return new InvalidValue('must be a size such as "16MiB", or an integer number of bytes');
}

/** In a program a number is bytes. */
function parseGivenSize<T>(
  value: number | string,
  parse: (text: string) => T | InvalidValue,
): T | InvalidValue {
  if (typeof value === 'string') return parse(value);
  if (Number.isSafeInteger(value)) return parse(value.toString());
  return new InvalidValue('must be a size such as "16MiB", or a whole number of bytes');
}

/** Exactly the spellings that Go accepts. */
function parseBoolean(given: string): boolean | InvalidValue {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(given)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(given)) return false;
  return new InvalidValue('parse error, must be true or false');
}

function parseFloatText(given: string): number {
  const trimmed = given.trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

function parseOneFloat(given: string): number | InvalidValue {
  const value = parseFloatText(given);
  return Number.isNaN(value) ? new InvalidValue('must be a number such as 0.5') : value;
}

function checkedPercentiles(values: readonly number[]): readonly number[] | InvalidValue {
  if (!values.some(Number.isNaN)) return values;
  return new InvalidValue('parse error, must be numbers such as 0.99, with commas between them');
}

function parseLevel(given: string): LogLevel | InvalidValue {
  return parseLogLevel(given) ?? noChoice(given, LOG_LEVELS);
}

function parseTlsRequired(given: string): TlsRequired | InvalidValue {
  if (given.toLowerCase() === 'tcp-https') return 'tcp-https';
  const value = parseBoolean(given);
  return value instanceof InvalidValue
    ? new InvalidValue('must be true, false or tcp-https')
    : value;
}

function parseTlsVersion(given: string): TlsVersion | InvalidValue {
  const lower = given.toLowerCase();
  if (lower === '') return 'tls1.0';
  if (isTlsVersion(lower)) return lower;
  const versions = Object.keys(TLS_VERSIONS);
  // A version that does not exist is not meant to be one of the others.
  const number = lower.slice(-VERSION_NUMBER_LENGTH);
  const meant = versions.some((version) => version.endsWith(number));
  return noChoice(meant ? number : '', versions);
}

function noChoice(given: string, choices: readonly string[]): InvalidValue {
  return new InvalidValue(`must be one of ${choices.join(', ')}${choiceHint(given, choices)}`);
}

function isTlsVersion(lower: string): lower is TlsVersion {
  return Object.hasOwn(TLS_VERSIONS, lower);
}
