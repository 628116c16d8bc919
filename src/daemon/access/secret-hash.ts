/**
 * Hashes of secrets for the access file. They use scrypt, which is slow on purpose, so that a stolen file does not
 * reveal the secrets.
 *
 * Shape: `scrypt:<N>:<r>:<p>:<salt>:<hash>`, the last two in base64url.
 * Thread: any; Node's thread pool does the work.
 * Source: RFC 7914.
 */

import type { ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { atFirstUse } from '../../shared/first-use.ts';
import { InvalidValue } from '../options/invalid-value.ts';

type Derive = (
  secret: Buffer,
  salt: Buffer,
  bytes: number,
  options: ScryptOptions,
) => Promise<Buffer>;

/** Only an access file needs it. */
const crypto = atFirstUse(() => process.getBuiltinModule('node:crypto'));
const derive = atFirstUse((): Derive => promisify(crypto().scrypt));

const SCHEME = 'scrypt';
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** About 80 ms of one core, and 32 MiB. */
const DEFAULT_COST: ScryptCost = { n: 2 ** 15, r: 8, p: 1 };
/** A check must not take the broker's memory, or seconds of a core. */
const MEMORY_BYTES_MAX = 128 * 1024 * 1024;
const PASSES_MAX = 16;

/** The parameters of scrypt. */
type ScryptCost = { readonly n: number; readonly r: number; readonly p: number };

export class SecretHash {
  /** The relative cost of a check. */
  readonly cost: string;
  readonly #cost: ScryptCost;
  readonly #salt: Buffer;
  readonly #hash: Buffer;

  private constructor(cost: ScryptCost, salt: Buffer, hash: Buffer) {
    this.cost = `${cost.n}:${cost.r}:${cost.p}`;
    this.#cost = cost;
    this.#salt = salt;
    this.#hash = hash;
  }

  /** Hashes a secret with a new salt. */
  static async of(secret: Buffer): Promise<SecretHash> {
    const salt = crypto().randomBytes(SALT_BYTES);
    return new SecretHash(DEFAULT_COST, salt, await hashOf(secret, salt, DEFAULT_COST));
  }

  /** A hash that no secret has, with the same cost as `other`. */
  static ofNothing(other: SecretHash | undefined): SecretHash {
    return new SecretHash(
      other === undefined ? DEFAULT_COST : other.#cost,
      crypto().randomBytes(SALT_BYTES),
      crypto().randomBytes(HASH_BYTES),
    );
  }

  static parse(text: string): SecretHash | InvalidValue {
    const [scheme, n, r, p, salt, hash, ...others] = text.split(':');
    if (scheme !== SCHEME || hash === undefined || others.length > 0) {
      return new InvalidValue('is not a hash made by "ringmq access hash"');
    }
    const cost = { n: Number(n), r: Number(r), p: Number(p) };
    const saltBytes = Buffer.from(salt, 'base64url');
    const hashBytes = Buffer.from(hash, 'base64url');
    if (!isCost(cost) || saltBytes.length < SALT_BYTES || hashBytes.length !== HASH_BYTES) {
      return new InvalidValue('is a hash that is damaged, or too costly to check');
    }
    return new SecretHash(cost, saltBytes, hashBytes);
  }

  toString(): string {
    const parts = [this.#salt, this.#hash].map((bytes) => bytes.toString('base64url'));
    return [SCHEME, this.cost, ...parts].join(':');
  }

  /** Whether the hash is that of the secret. A wrong secret takes the same time. */
  async matches(secret: Buffer): Promise<boolean> {
    return crypto().timingSafeEqual(await hashOf(secret, this.#salt, this.#cost), this.#hash);
  }
}

function hashOf(secret: Buffer, salt: Buffer, { n, r, p }: ScryptCost): Promise<Buffer> {
  return derive()(secret, salt, HASH_BYTES, { N: n, r, p, maxmem: 2 * MEMORY_BYTES_MAX });
}

function isCost({ n, r, p }: ScryptCost): boolean {
  const isCounted = [n, r, p].every((value) => Number.isSafeInteger(value) && value > 0);
  return (
    isCounted &&
    n > 1 &&
    Number.isInteger(Math.log2(n)) &&
    128 * n * r <= MEMORY_BYTES_MAX &&
    p <= PASSES_MAX
  );
}
