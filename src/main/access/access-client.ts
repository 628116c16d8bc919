/**
 * A client of the access file and its permissions.
 *
 * | role | over HTTP | over TCP |
 * |---|---|---|
 * | read | reading: statistics, metrics, options, policies, messages, the page | nothing |
 * | publish | /pub, /mpub | PUB, MPUB, DPUB |
 * | subscribe | nothing | SUB |
 * | admin | everything | everything |
 *
 * Thread: main.
 */

import type { NamePattern } from '../policies/name-pattern.ts';

/** The roles of clients. */
export const ROLES = ['read', 'publish', 'subscribe', 'admin'] as const;

/** One of the roles. */
export type Role = (typeof ROLES)[number];

/** Whether the text is the name of a role. */
export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

export class AccessClient {
  readonly name: string;
  readonly #roles: ReadonlySet<Role>;
  /** The topics and channels that the client may use; null for all. */
  readonly #patterns: readonly NamePattern[] | null;

  constructor(name: string, roles: ReadonlySet<Role>, patterns: readonly NamePattern[] | null) {
    this.name = name;
    this.#roles = roles;
    this.#patterns = patterns;
  }

  get roles(): readonly Role[] {
    return [...this.#roles];
  }

  get isAdmin(): boolean {
    return this.#roles.has('admin');
  }

  /** Whether the client has the role, or is an admin. */
  has(role: Role): boolean {
    return this.isAdmin || this.#roles.has(role);
  }

  mayPublish(topic: string): boolean {
    return this.has('publish') && this.#isOpen(topic, null);
  }

  maySubscribe(topic: string, channel: string): boolean {
    return this.has('subscribe') && this.#isOpen(topic, channel);
  }

  #isOpen(topic: string, channel: string | null): boolean {
    if (this.isAdmin || this.#patterns === null) return true;
    return this.#patterns.some((pattern) => pattern.matches(topic, channel));
  }
}
