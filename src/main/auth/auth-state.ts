/**
 * What one connection is authorised for, and until when.
 *
 * A connection asks `isExpired` first and waits for `refresh` if so; both other questions are answered at once,
 * from what the auth server said last.
 *
 * Thread: main. Source: nsqd `clientV2.QueryAuthd`, `IsAuthorized`.
 */

import type { Clock } from '../../shared/clock.ts';
import type { AuthQuestion, AuthServers } from './auth-servers.ts';
import type { Grant, Permission } from './grant.ts';

/** Cached answers: a publisher asks the same for every message. Beyond this number the cache starts again. */
const REMEMBERED_MAX = 256;
/** Allowed neither in a topic's name nor in a channel's. */
const SEPARATOR = ':';

export class AuthState {
  readonly #servers: Pick<AuthServers, 'query'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #question: AuthQuestion | null = null;
  #grant: Grant | null = null;
  #expiresMs = 0;
  /** The query that is under way. */
  #query: Promise<void> | null = null;
  readonly #remembered = new Map<string, boolean>();

  constructor(servers: Pick<AuthServers, 'query'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#servers = servers;
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

  /** Whether what is known is too old to be used. */
  get isExpired(): boolean {
    return this.#clock.monotonicMs() > this.#expiresMs;
  }

  /** Errors: rejects when no auth server answers validly; then nothing has changed. */
  authenticate(question: AuthQuestion): Promise<void> {
    this.#question = question;
    return this.#ask(question);
  }

  /** Asks again with the secret of the last AUTH. Simultaneous callers wait for the same answer. */
  refresh(): Promise<void> {
    if (this.#question === null) return Promise.reject(new Error('AUTH required before a refresh'));
    return this.#ask(this.#question);
  }

  /**
   * Whether it is permitted, whether or not it has expired. `channel` is empty for a publisher. `charge` is told what
   * finding that out has cost, if it was not known.
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

  #ask(question: AuthQuestion): Promise<void> {
    this.#query ??= this.#servers
      .query(question)
      .then((grant) => {
        this.#grant = grant;
        this.#expiresMs = this.#clock.monotonicMs() + grant.ttlMs;
        this.#remembered.clear();
      })
      .finally(() => {
        this.#query = null;
      });
    return this.#query;
  }
}
