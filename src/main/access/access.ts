/**
 * Identifies clients by the access file: maps a secret or a TLS certificate to an `AccessClient`.
 *
 * The first check of a secret uses scrypt. Later checks compare a digest, which takes microseconds. An unknown name
 * takes as long as a known one, so that names cannot be discovered by timing.
 *
 * Thread: main.
 */

import { SecretChecks } from '../../daemon/access/secret-checks.ts';
import { SecretHash } from '../../daemon/access/secret-hash.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { systemErrorText } from '../../daemon/system-error.ts';
import type { CertificateFacts } from '../../daemon/tls/certificate-facts.ts';
import type { Clock } from '../../shared/clock.ts';
import { atFirstUse } from '../../shared/first-use.ts';
import { readGivenText } from '../../shared/given-file.ts';
import type { AccessClient } from './access-client.ts';
import { type AccessEntry, parseAccessFile } from './access-file.ts';

const crypto = atFirstUse(() => process.getBuiltinModule('node:crypto'));

/** Too many secrets wait for their check. */
export const BUSY = 'busy';

/** Null if the client is not in the file. */
type Identity = AccessClient | null;

/** Errors: rejects with the error of the system. */
type ReadFile = (path: string) => Promise<string>;

type Known = {
  readonly entry: AccessEntry;
  /** The digest of the right secret; null before its first check. */
  digest: Buffer | null;
};

const DIGEST = 'sha256';
const KEY_BYTES = 32;

export class Access {
  /** Incremented by a reload, after which clients are looked up again. */
  version = 0;

  readonly #path: string;
  readonly #readFile: ReadFile;
  readonly #checks: SecretChecks;
  readonly #key = crypto().randomBytes(KEY_BYTES);
  readonly #pending = new Map<string, Promise<Identity>>();
  #byName: ReadonlyMap<string, Known> = new Map();
  #byCommonName: ReadonlyMap<string, AccessClient> = new Map();
  #byFingerprint: ReadonlyMap<string, AccessClient> = new Map();
  /** Secrets of unknown names are checked against this. */
  #nobody = SecretHash.ofNothing(undefined);

  /** Reads the file. Errors: returns what is wrong with it. */
  static async load(
    path: string,
    clock: Pick<Clock, 'after'>,
    read: ReadFile = readGivenText,
  ): Promise<Access | InvalidValue> {
    const access = new Access(path, clock, read);
    return (await access.reload()) ?? access;
  }

  private constructor(path: string, clock: Pick<Clock, 'after'>, readFile: ReadFile) {
    this.#path = path;
    this.#readFile = readFile;
    this.#checks = new SecretChecks(clock);
  }

  /** Reads the file again. Errors: returns what is wrong with it; then the old clients stay. */
  async reload(): Promise<InvalidValue | undefined> {
    let text: string;
    try {
      text = await this.#readFile(this.#path);
    } catch (error) {
      return new InvalidValue(`--http-access "${this.#path}": ${systemErrorText(error)}`);
    }
    const entries = parseAccessFile(text);
    if (entries instanceof InvalidValue) {
      return new InvalidValue(`--http-access "${this.#path}": ${entries.why}`);
    }
    const before = this.#byName;
    this.#byName = new Map(
      entries.map((entry) => {
        const old = before.get(entry.client.name);
        const isSame = String(old?.entry.secret) === String(entry.secret);
        return [entry.client.name, { entry, digest: isSame ? (old?.digest ?? null) : null }];
      }),
    );
    this.#byCommonName = certificates(entries, 'commonName');
    this.#byFingerprint = certificates(entries, 'fingerprint');
    const hash = entries.find(({ secret }) => secret !== null)?.secret;
    this.#nobody = SecretHash.ofNothing(hash ?? undefined);
    this.version++;
    return undefined;
  }

  /** The client with this certificate. */
  ofCertificate({ verifiedName, fingerprint }: CertificateFacts): Identity {
    return this.#byFingerprint.get(fingerprint) ?? this.#byCommonName.get(verifiedName) ?? null;
  }

  /**
   * The client of this name if the secret is right: at once if the same secret was right before. `host`: the sender's.
   */
  ofSecret(name: string, secret: Buffer, host: string): Identity | typeof BUSY | Promise<Identity> {
    const known = this.#byName.get(name);
    const digest = crypto().createHmac(DIGEST, this.#key).update(secret).digest();
    const right = known?.digest ?? null;
    if (known !== undefined && right !== null && crypto().timingSafeEqual(right, digest)) {
      return known.entry.client;
    }
    // Concurrent connections of one client share a check.
    const key = `${name} ${digest.toString('base64')}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const hash = known?.entry.secret ?? this.#nobody;
    const check = this.#checks.add(host, () => hash.matches(secret));
    if (check === undefined) return BUSY;
    const identity = check
      .then((isRight) => (isRight ? this.#accept(name, hash, digest) : null))
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, identity);
    return identity;
  }

  /** A reload may have changed the client meanwhile. */
  #accept(name: string, hash: SecretHash, digest: Buffer): Identity {
    const known = this.#byName.get(name);
    if (known === undefined || String(known.entry.secret) !== String(hash)) return null;
    known.digest = digest;
    return known.entry.client;
  }
}

function certificates(
  entries: readonly AccessEntry[],
  key: 'commonName' | 'fingerprint',
): ReadonlyMap<string, AccessClient> {
  const named = entries.filter((entry) => entry[key] !== '');
  return new Map(named.map((entry) => [entry[key], entry.client]));
}
