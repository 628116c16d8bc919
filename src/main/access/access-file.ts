/**
 * The file of `--http-access`: clients, what proves who they are, and their roles.
 *
 * Shape, in TOML:
 *
 *     [[client]]
 *     name = "billing"
 *     secret = "scrypt:32768:8:1:…"        # made by `ringmq access hash`
 *     roles = ["publish", "subscribe"]
 *     topics = ["orders", "audit.*:billing"]
 *
 * `common_name` and `fingerprint` stand for a TLS certificate in place of a secret.
 *
 * Bound: FILE_LENGTH_MAX, CLIENTS_MAX and PATTERNS_MAX; a larger file is refused.
 *
 * Thread: any (pure).
 */

import { SecretHash } from '../../daemon/access/secret-hash.ts';
import { parseToml } from '../../daemon/options/config-file.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { suggestion } from '../../daemon/options/nearest-word.ts';
import { NamePattern } from '../policies/name-pattern.ts';
import { AccessClient, isRole, ROLES, type Role } from './access-client.ts';

/** A client and its credentials. */
export type AccessEntry = {
  readonly client: AccessClient;
  readonly secret: SecretHash | null;
  /** The subject of a certificate that an authority of `--tls-root-ca-file` has signed; empty for none. */
  readonly commonName: string;
  /** The SHA-256 of a certificate, 64 hex digits in lower case; empty for none. */
  readonly fingerprint: string;
};

const FILE_LENGTH_MAX = 1024 * 1024;
const CLIENTS_MAX = 1024;
const PATTERNS_MAX = 64;
const TABLE = 'client';
const KEYS = ['name', 'secret', 'common_name', 'fingerprint', 'roles', 'topics'];
/** In a token, the secret follows a name and a dot. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const FINGERPRINT = /^[0-9a-f]{64}$/;

type Fields = Readonly<Record<string, unknown>>;

/** Errors: says what is wrong, and with which client. */
export function parseAccessFile(text: string): AccessEntry[] | InvalidValue {
  if (text.length > FILE_LENGTH_MAX) return new InvalidValue('it is larger than 1 MiB');
  const file = parseToml(text);
  if (file instanceof InvalidValue) return file;
  const stray = Object.keys(file).find((key) => key !== TABLE);
  if (stray !== undefined) {
    return new InvalidValue(`${JSON.stringify(stray)}: only tables [[${TABLE}]] are known`);
  }
  const tables = file[TABLE];
  if (!Array.isArray(tables) || tables.length === 0 || tables.length > CLIENTS_MAX) {
    return new InvalidValue(`it must have tables [[${TABLE}]], at most ${CLIENTS_MAX}`);
  }
  const entries: AccessEntry[] = [];
  for (const [index, table] of tables.entries()) {
    const fields = table as Fields;
    const name = fields['name'];
    const entry = entryOf(fields);
    if (entry instanceof InvalidValue) {
      const which = typeof name === 'string' ? JSON.stringify(name) : `number ${index + 1}`;
      return new InvalidValue(`client ${which}: ${entry.why}`);
    }
    entries.push(entry);
  }
  return faultOf(entries) ?? entries;
}

function entryOf(fields: Fields): AccessEntry | InvalidValue {
  const stray = Object.keys(fields).find((key) => !KEYS.includes(key));
  if (stray !== undefined) {
    return new InvalidValue(`no key ${JSON.stringify(stray)}${suggestion(stray, KEYS)}`);
  }
  const name = fields['name'];
  if (typeof name !== 'string' || !NAME.test(name)) {
    return new InvalidValue('name must have 1 to 64 letters, digits, "_" and "-"');
  }
  const secret = secretOf(fields['secret']);
  if (secret instanceof InvalidValue) return secret;
  const { common_name: commonName = '', fingerprint: given = '' } = fields;
  if (typeof commonName !== 'string') return new InvalidValue('common_name must be a text');
  const fingerprint = fingerprintOf(given);
  if (fingerprint instanceof InvalidValue) return fingerprint;
  if (secret === null && commonName === '' && fingerprint === '') {
    return new InvalidValue('secret, common_name or fingerprint is missing');
  }
  const roles = rolesOf(fields['roles']);
  if (roles instanceof InvalidValue) return roles;
  const patterns = patternsOf(fields['topics'], roles);
  if (patterns instanceof InvalidValue) return patterns;
  return { client: new AccessClient(name, roles, patterns), secret, commonName, fingerprint };
}

function secretOf(given: unknown): SecretHash | null | InvalidValue {
  if (given === undefined) return null;
  if (typeof given !== 'string') return new InvalidValue('secret must be a text');
  const hash = SecretHash.parse(given);
  return hash instanceof InvalidValue ? new InvalidValue(`secret ${hash.why}`) : hash;
}

/** OpenSSL and browsers print colons between the bytes. */
function fingerprintOf(given: unknown): string | InvalidValue {
  const hex = typeof given === 'string' ? given.replaceAll(':', '').toLowerCase() : '?';
  if (hex === '' || FINGERPRINT.test(hex)) return hex;
  return new InvalidValue('fingerprint must be the SHA-256 of a certificate, in hex');
}

function rolesOf(given: unknown): ReadonlySet<Role> | InvalidValue {
  const wrong = new InvalidValue(`roles must be a list of ${ROLES.join(', ')}`);
  if (!Array.isArray(given) || given.length === 0) return wrong;
  const roles = new Set<Role>();
  for (const role of given as unknown[]) {
    if (typeof role !== 'string' || !isRole(role)) return wrong;
    roles.add(role);
  }
  return roles;
}

function patternsOf(
  given: unknown,
  roles: ReadonlySet<Role>,
): readonly NamePattern[] | null | InvalidValue {
  if (given === undefined) return null;
  if (!Array.isArray(given) || given.length === 0 || given.length > PATTERNS_MAX) {
    return new InvalidValue(`topics must be a list of 1 to ${PATTERNS_MAX} patterns`);
  }
  if (roles.has('admin') || !(roles.has('publish') || roles.has('subscribe'))) {
    return new InvalidValue('topics limit the roles publish and subscribe, and no others');
  }
  const patterns: NamePattern[] = [];
  for (const text of given as unknown[]) {
    const pattern =
      typeof text === 'string' ? NamePattern.parse(text) : new InvalidValue('is not a string');
    if (pattern instanceof InvalidValue) {
      return new InvalidValue(`topics: ${JSON.stringify(text)} ${pattern.why}`);
    }
    patterns.push(pattern);
  }
  return patterns;
}

/** Errors that involve several clients. */
function faultOf(entries: readonly AccessEntry[]): InvalidValue | undefined {
  for (const key of ['name', 'common_name', 'fingerprint']) {
    const seen = new Set<string>();
    for (const { client, commonName, fingerprint } of entries) {
      const value = { name: client.name, common_name: commonName, fingerprint }[key] ?? '';
      if (value !== '' && seen.has(value)) {
        return new InvalidValue(`two clients have the ${key} ${JSON.stringify(value)}`);
      }
      seen.add(value);
    }
  }
  // Otherwise the time of a check would reveal which names exist.
  const costs = new Set(entries.flatMap(({ secret }) => (secret === null ? [] : [secret.cost])));
  if (costs.size <= 1) return undefined;
  return new InvalidValue('the secrets are hashed at different costs; hash all of them again');
}
