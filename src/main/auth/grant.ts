/**
 * What an auth server lets a client do, and for how long.
 *
 * Thread: main. Source: nsq `internal/auth/authorizations.go`.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { Pattern } from './pattern.ts';

/** What can be permitted. */
export type Permission = 'subscribe' | 'publish';

/** One entry: the permissions hold for topics that match, with channels one of whose patterns matches. */
type Authorization = {
  readonly topic: Pattern;
  readonly channels: readonly Pattern[];
  readonly permissions: ReadonlySet<string>;
};

const PERMISSIONS: ReadonlySet<string> = new Set<Permission>(['subscribe', 'publish']);
const SECOND_MS = 1000;

export class Grant {
  readonly identity: string;
  readonly identityUrl: string;
  /** How long it holds from when it was given. Units: ms. */
  readonly ttlMs: number;
  readonly #authorizations: readonly Authorization[];

  private constructor(
    identity: string,
    identityUrl: string,
    ttlMs: number,
    authorizations: readonly Authorization[],
  ) {
    this.identity = identity;
    this.identityUrl = identityUrl;
    this.ttlMs = ttlMs;
    this.#authorizations = authorizations;
  }

  /**
   * Reads an auth server's answer. As with Go, keys match in any case, unknown ones are ignored, and null is the
   * same as absent.
   *
   * Shape: `{ ttl, identity, identity_url, authorizations: [{ topic, channels: [], permissions: [] }] }`, `ttl`
   * in seconds. Errors: throws when it is not of that shape, or one of its parts makes no sense.
   */
  static parse(answer: unknown): Grant {
    const fields = fieldsOf(answer, 'answer');
    const ttl = fields.get('ttl') ?? 0;
    if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl <= 0) {
      throw new Error(`invalid TTL ${JSON.stringify(ttl)} (must be >0)`);
    }
    const entries = fields.get('authorizations') ?? [];
    if (!Array.isArray(entries)) throw new Error('"authorizations" is not a list');
    return new Grant(
      textOf(fields, 'identity'),
      textOf(fields, 'identity_url'),
      ttl * SECOND_MS,
      entries.map(authorizationOf),
    );
  }

  /** How many entries it has, whatever they permit. */
  get permissionCount(): number {
    return this.#authorizations.length;
  }

  /** Whether some entry permits it. A publisher has no channel: its name is empty, and must be matched as such. */
  isAllowed(permission: Permission, topic: string, channel: string): boolean {
    return this.#authorizations.some(
      (entry) =>
        entry.permissions.has(permission) &&
        entry.topic.isFoundIn(topic) &&
        entry.channels.some((pattern) => pattern.isFoundIn(channel)),
    );
  }
}

function authorizationOf(entry: unknown): Authorization {
  const fields = fieldsOf(entry, 'authorization');
  const permissions = new Set(textsOf(fields, 'permissions'));
  for (const permission of permissions) {
    if (!PERMISSIONS.has(permission)) throw new Error(`unknown permission ${goQuote(permission)}`);
  }
  return {
    topic: new Pattern(textOf(fields, 'topic')),
    channels: textsOf(fields, 'channels').map((text) => new Pattern(text)),
    permissions,
  };
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
