/**
 * A policy as operators write it: a name, a pattern, a priority, and a definition.
 *
 * Shape, as JSON: `{"pattern":"orders:*","priority":10,"definition":{"max-attempts":5}}`. Keys of the definition may
 * also be at the top level, as in the tables of a configuration file.
 *
 * Thread: any (pure).
 */

import { isJsonObject } from '../../daemon/go/json.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { suggestion } from '../../daemon/options/nearest-word.ts';
import { NamePattern } from './name-pattern.ts';
import { KEY_NAMES, POLICY_KEYS, type PolicyKeyName, type PolicyValues } from './policy-keys.ts';

/** The keys that a policy sets. */
type PolicyDefinition = Partial<PolicyValues>;

/** A policy. */
export type Policy = {
  readonly name: string;
  readonly pattern: NamePattern;
  /** For each key the policy with the highest priority wins. */
  readonly priority: number;
  readonly definition: PolicyDefinition;
};

/** A policy as JSON. */
export type PolicyJson = {
  readonly name: string;
  readonly pattern: string;
  readonly priority: number;
  readonly definition: Readonly<Record<string, string | number>>;
};

const NAME = /^[.a-zA-Z0-9_-]{1,64}$/;
/** The HTTP API uses this path for something else. */
const RESERVED_NAME = 'effective';
/** Large enough, and exact as a 32-bit word. */
const PRIORITY_MAX = 1_000_000;
const FIELDS = ['pattern', 'priority', 'definition'];

/** Parses a policy. Errors: returns what is wrong, with a suggestion for an unknown word. */
export function parsePolicy(name: string, given: unknown): Policy | InvalidValue {
  if (!NAME.test(name)) {
    return new InvalidValue('the name of a policy has 1 to 64 letters, digits, ".", "_" and "-"');
  }
  if (name === RESERVED_NAME) return new InvalidValue(`no policy can have the name ${name}`);
  if (!isJsonObject(given))
    return new InvalidValue('a policy is an object with pattern, priority and definition');
  const {
    pattern: patternText,
    priority: givenPriority = 0,
    definition: nested = {},
    name: shownName = name,
    // It may carry the source that `GET` shows; the caller decides the source of the policy.
    source: _,
    ...flat
  } = given;
  if (typeof patternText !== 'string') {
    return new InvalidValue(
      'a policy needs a "pattern": TOPIC or TOPIC:CHANNEL, with * for any characters',
    );
  }
  if (shownName !== name) {
    return new InvalidValue(`the "name" in it is another one, ${JSON.stringify(shownName)}`);
  }
  const pattern = NamePattern.parse(patternText);
  if (pattern instanceof InvalidValue) {
    return new InvalidValue(`pattern ${JSON.stringify(patternText)} ${pattern.why}`);
  }
  const priority = Number(givenPriority);
  const isNumber = typeof givenPriority === 'number' || typeof givenPriority === 'bigint';
  if (!isNumber || !Number.isInteger(priority) || Math.abs(priority) > PRIORITY_MAX) {
    return new InvalidValue(`"priority" must be an integer of at most ${PRIORITY_MAX}`);
  }
  if (!isJsonObject(nested))
    return new InvalidValue('"definition" must be an object of keys and values');
  const definition = parseDefinition({ ...flat, ...nested }, pattern);
  return definition instanceof InvalidValue ? definition : { name, pattern, priority, definition };
}

/** The policy as JSON. */
export function policyJson({ name, pattern, priority, definition }: Policy): PolicyJson {
  return { name, pattern: pattern.text, priority, definition: definitionJson(definition) };
}

/** A definition as JSON. */
function definitionJson(definition: PolicyDefinition): Record<string, string | number> {
  const shown: Record<string, string | number> = {};
  for (const [key, name] of KEY_NAMES) {
    if (definition[name] !== undefined) shown[key] = showValue(name, definition[name]);
  }
  return shown;
}

/** A value as JSON: a number if that is exact, otherwise a text. */
export function showValue(name: PolicyKeyName, value: unknown): string | number {
  if (typeof value === 'string') return value;
  const { kind } = POLICY_KEYS[name];
  // The value comes from the row of this name.
  const text = (kind.spell as (value: unknown) => string)(value);
  return /^\d+$/.test(text) ? Number(text) : text;
}

function parseDefinition(
  given: Readonly<Record<string, unknown>>,
  pattern: NamePattern,
): PolicyDefinition | InvalidValue {
  const definition: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(given)) {
    const key = written.replaceAll('_', '-');
    const name = KEY_NAMES.get(key);
    if (name === undefined) {
      const hint = suggestion(key, [...KEY_NAMES.keys(), ...FIELDS]);
      return new InvalidValue(`no policy has a key ${JSON.stringify(written)}${hint}`);
    }
    const { kind, scope } = POLICY_KEYS[name];
    if (scope === 'topic' && pattern.isForChannels) {
      return new InvalidValue(
        `${key} is for topics, and the pattern ${pattern.text} is for channels`,
      );
    }
    const parsed = kind.parseConfig(asConfig(value));
    if (parsed instanceof InvalidValue)
      return new InvalidValue(`invalid value for ${key}: ${parsed.why}`);
    // The row checks the value that it has parsed.
    const check = POLICY_KEYS[name].check as (value: unknown, name: string) => string | undefined;
    const wrong = check(parsed, key);
    if (wrong !== undefined) return new InvalidValue(wrong);
    definition[name] = parsed;
  }
  if (Object.keys(definition).length === 0) return new InvalidValue('the policy defines nothing');
  // Each value has the type of its row.
  return definition as PolicyDefinition;
}

/** Converts a JSON value to a configuration value, in which integers are bigints. */
function asConfig(value: unknown): unknown {
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}
