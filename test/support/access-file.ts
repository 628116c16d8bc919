/**
 * Access files for tests; their secrets are hashed at a negligible cost.
 *
 * Thread: main.
 */

import { scryptSync } from 'node:crypto';

const COST = { N: 16, r: 1, p: 1 };
const SALT = Buffer.alloc(16, 7);
const HASH_BYTES = 32;

/** A client of the file. */
export type GivenClient = {
  readonly name: string;
  readonly secret?: string;
  readonly roles: readonly string[];
  readonly topics?: readonly string[];
  readonly common_name?: string;
  readonly fingerprint?: string;
};

/** The hash of a secret, as in the file. */
export function cheapHash(secret: string): string {
  const hash = scryptSync(secret, SALT, HASH_BYTES, COST);
  return `scrypt:16:1:1:${SALT.toString('base64url')}:${hash.toString('base64url')}`;
}

/** The text of a file with these clients. */
export function accessFile(clients: readonly GivenClient[]): string {
  return clients
    .map(({ secret, ...fields }) => {
      const shown = { ...fields, ...(secret !== undefined && { secret: cheapHash(secret) }) };
      const lines = Object.entries(shown).map(
        ([key, value]) => `${key} = ${JSON.stringify(value)}\n`,
      );
      return `[[client]]\n${lines.join('')}`;
    })
    .join('\n');
}
