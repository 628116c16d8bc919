/**
 * An auth server's answer: what a client may do, and for how long.
 *
 * Thread: main. Source: nsq `internal/auth/authorizations.go`.
 */

import { setImmediate } from 'node:timers/promises';
import { goQuote } from '../../daemon/go/go-text.ts';
import { jsonMembers, parseJson } from '../../daemon/go/json.ts';
import { Pattern } from './pattern.ts';

/** What can be permitted. */
export type Permission = 'subscribe' | 'publish';

/** One entry: its permissions apply to matching topics, with channels that match one of the patterns. */
type Authorization = {
  readonly topic: Pattern;
  readonly channels: readonly Pattern[];
  readonly permissions: ReadonlySet<string>;
};

const PERMISSIONS: ReadonlySet<string> = new Set<Permission>(['subscribe', 'publish']);
const SECOND_MS = 1000;
const INTEGER = /^-?\d{1,20}$/;
const INT64_END = 2n ** 63n;
/** Go's longest duration, 292 years. nsqd misreads longer ones. */
const TTL_S_MAX = 9_223_372_036;
/** Characters of an invalid ttl in the error's text. */
const QUOTED_LENGTH_MAX = 32;
/**
 * Most steps of all patterns of an answer, as `Pattern.size`: matching all of them takes at most a few milliseconds.
 */
const PATTERNS_SIZE_MAX = 16 * 1024;
/** Work on patterns before main does other work: about a millisecond. */
const PAUSE_SIZE = 512;

export class Grant {
  readonly identity: string;
  readonly identityUrl: string;
  /** How long it is valid. Units: ms. */
  readonly ttlMs: number;
  /** The largest cost of a check. Units: as in `TurnBudget`. */
  readonly checkCost: number;
  readonly #authorizations: readonly Authorization[];

  private constructor(
    identity: string,
    identityUrl: string,
    ttlMs: number,
    authorizations: readonly Authorization[],
    checkCost: number,
  ) {
    this.identity = identity;
    this.identityUrl = identityUrl;
    this.ttlMs = ttlMs;
    this.#authorizations = authorizations;
    this.checkCost = checkCost;
  }

  /**
   * Reads an auth server's answer. As with Go, keys match in any case, unknown ones are ignored, null is the same as
   * absent, and `ttl` must be written as an integer. Main does other work between patterns.
   *
   * Shape: `{ ttl, identity, identity_url, authorizations: [{ topic, channels: [], permissions: [] }] }`, `ttl` in
   * seconds. Errors: rejects if the shape or a value is invalid, or if its patterns are larger than allowed.
   */
  static async parse(text: string): Promise<Grant> {
    const answer = parseJson(text);
    if (answer === undefined) throw new Error('the answer is not valid JSON');
    const fields = fieldsOf(answer, 'answer');
    const ttlS = ttlOf(fields.has('ttl') ? text : '{}');
    const entries = fields.get('authorizations') ?? [];
    if (!Array.isArray(entries)) throw new Error('"authorizations" is not a list');
    const patterns = new Patterns();
    const authorizations: Authorization[] = [];
    for (const entry of entries) authorizations.push(await authorizationOf(entry, patterns));
    return new Grant(
      textOf(fields, 'identity'),
      textOf(fields, 'identity_url'),
      ttlS * SECOND_MS,
      authorizations,
      patterns.size,
    );
  }

  /** The number of entries, whatever they permit. */
  get permissionCount(): number {
    return this.#authorizations.length;
  }

  /** Whether an entry permits it. A publisher has no channel: the patterns must match an empty name. */
  isAllowed(permission: Permission, topic: string, channel: string): boolean {
    return this.#authorizations.some(
      (entry) =>
        entry.permissions.has(permission) &&
        entry.topic.isFoundIn(topic) &&
        entry.channels.some((pattern) => pattern.isFoundIn(channel)),
    );
  }
}

async function authorizationOf(entry: unknown, patterns: Patterns): Promise<Authorization> {
  const fields = fieldsOf(entry, 'authorization');
  const permissions = new Set(textsOf(fields, 'permissions'));
  for (const permission of permissions) {
    if (!PERMISSIONS.has(permission)) throw new Error(`unknown permission ${goQuote(permission)}`);
  }
  const topic = await patterns.get(textOf(fields, 'topic'));
  const channels: Pattern[] = [];
  for (const text of textsOf(fields, 'channels')) channels.push(await patterns.get(text));
  return { topic, channels, permissions };
}

/** The patterns of one answer; repeated ones are compiled once. */
class Patterns {
  /** The total of all uses. */
  size = 0;
  readonly #known = new Map<string, Pattern>();
  #sizeSincePause = 0;

  /** Errors: rejects if the text is not a pattern, or if all patterns together are too large. */
  async get(text: string): Promise<Pattern> {
    let pattern = this.#known.get(text);
    if (pattern === undefined) {
      pattern = new Pattern(text);
      this.#known.set(text, pattern);
      this.#sizeSincePause += text.length + pattern.size;
    }
    this.size += pattern.size;
    if (this.size > PATTERNS_SIZE_MAX) {
      throw new Error('the patterns are too large to be looked at for each command');
    }
    if (this.#sizeSincePause > PAUSE_SIZE) {
      this.#sizeSincePause = 0;
      await setImmediate();
    }
    return pattern;
  }
}

/** The last `ttl` of an answer, in seconds. Errors: throws if it is not an integer above 0. */
function ttlOf(text: string): number {
  let ttl = '0';
  for (const { key, source } of jsonMembers(text)) {
    if (key.toLowerCase() === 'ttl' && source !== 'null') ttl = source;
  }
  const isInteger = INTEGER.test(ttl) && BigInt(ttl) < INT64_END;
  if (!isInteger || Number(ttl) <= 0) {
    throw new Error(`invalid TTL ${ttl.slice(0, QUOTED_LENGTH_MAX)} (must be >0)`);
  }
  return Math.min(Number(ttl), TTL_S_MAX);
}

/** An object's values that are not null, by their keys in lower case. */
function fieldsOf(value: unknown, what: string): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  if (value === null) return fields;
  if (typeof value !== 'object' || Array.isArray(value))
    throw new Error(`${what} is not an object`);
  for (const [key, field] of Object.entries(value)) {
    if (field !== null) fields.set(key.toLowerCase(), field);
  }
  return fields;
}

function textOf(fields: ReadonlyMap<string, unknown>, key: string): string {
  const value = fields.get(key) ?? '';
  if (typeof value !== 'string') throw new Error(`"${key}" is not a string`);
  return value;
}

function textsOf(fields: ReadonlyMap<string, unknown>, key: string): string[] {
  const value = fields.get(key) ?? [];
  if (!Array.isArray(value)) throw new Error(`"${key}" is not a list`);
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw new Error(`"${key}" has an item that is not a string`);
    return item;
  });
}
