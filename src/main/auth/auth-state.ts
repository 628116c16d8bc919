/**
 * The authorization of one connection, and when it expires.
 *
 * A connection first checks `isExpired`, and waits for `refresh` if so; the other queries are answered at once, from
 * the auth server's last answer.
 *
 * Thread: main. Source: nsqd `clientV2.QueryAuthd`, `IsAuthorized`.
 */

import type { Clock } from '../../shared/clock.ts';
import type { AuthQuestion } from './auth-servers.ts';
import type { Grant, Permission } from './grant.ts';

/** What a client may do, and for how long. */
export type GrantedPermissions = Pick<
  Grant,
  'identity' | 'identityUrl' | 'ttlMs' | 'checkCost' | 'permissionCount' | 'isAllowed'
>;

/** Who decides that. */
export interface AuthSource {
  /** Errors: rejects without a valid answer. */
  query(question: AuthQuestion): Promise<GrantedPermissions>;
  /** What a client may do without AUTH; null for nothing. */
  admit?(question: AuthQuestion): GrantedPermissions | null;
}

/**
 * Cached results, since a publisher repeats the same query for every message. Beyond this number the cache is
 * cleared.
 */
const REMEMBERED_MAX = 256;
/** A character that neither topic nor channel names may contain. */
const SEPARATOR = ':';

export class AuthState {
  readonly #source: AuthSource;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #question: AuthQuestion | null = null;
  #grant: GrantedPermissions | null = null;
  #expiresMs = 0;
  /** The pending query. */
  #query: Promise<void> | null = null;
  readonly #remembered = new Map<string, boolean>();

  constructor(source: AuthSource, clock: Pick<Clock, 'monotonicMs'>) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Whether AUTH granted anything. */
  get hasAuthorizations(): boolean {
    return this.permissionCount > 0;
  }

  /** Empty without a successful AUTH. */
  get identity(): string {
    return this.#grant?.identity ?? '';
  }

  /** Empty without a successful AUTH. */
  get identityUrl(): string {
    return this.#grant?.identityUrl ?? '';
  }

  get permissionCount(): number {
    return this.#grant?.permissionCount ?? 0;
  }

  /** Whether the authorization is too old to be used. */
  get isExpired(): boolean {
    return this.#clock.monotonicMs() > this.#expiresMs;
  }

  /** Errors: rejects if no auth server answers validly; nothing changes then. */
  authenticate(question: AuthQuestion): Promise<void> {
    this.#question = question;
    return this.#ask(question);
  }

  /** Authorizes a client that needs no AUTH, if there is such a one. */
  admit(question: AuthQuestion): boolean {
    const grant = this.#source.admit?.(question) ?? null;
    if (grant === null) return false;
    this.#question = question;
    this.#take(grant);
    return this.hasAuthorizations;
  }

  /** Repeats the query with the secret of the last AUTH. Simultaneous callers share one query. */
  refresh(): Promise<void> {
    if (this.#question === null) return Promise.reject(new Error('AUTH required before a refresh'));
    return this.#ask(this.#question);
  }

  /**
   * Whether the command is permitted, ignoring expiry. `channel` is empty for a publisher. `charge` gets the cost of
   * the check if it is not cached.
   */
  isAllowed(
    permission: Permission,
    topic: string,
    channel: string,
    charge: (cost: number) => void,
  ): boolean {
    const key = `${permission}${SEPARATOR}${topic}${SEPARATOR}${channel}`;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    charge(this.#grant?.checkCost ?? 0);
    const isAllowed = this.#grant?.isAllowed(permission, topic, channel) ?? false;
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(key, isAllowed);
    return isAllowed;
  }

  #take(grant: GrantedPermissions): void {
    this.#grant = grant;
    this.#expiresMs = this.#clock.monotonicMs() + grant.ttlMs;
    this.#remembered.clear();
  }

  #ask(question: AuthQuestion): Promise<void> {
    this.#query ??= this.#source
      .query(question)
      .then((grant) => this.#take(grant))
      .finally(() => {
        this.#query = null;
      });
    return this.#query;
  }
}
