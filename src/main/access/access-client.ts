/**
 * A client of the access file: what it may do.
 *
 * | role | over HTTP | over TCP |
 * |---|---|---|
 * | read | look: statistics, metrics, options, policies, messages in hand, the page | nothing |
 * | publish | /pub, /mpub | PUB, MPUB, DPUB |
 * | subscribe | nothing | SUB |
 * | admin | everything | everything |
 *
 * Thread: main.
 */

import type { NamePattern } from '../policies/name-pattern.ts';

/** What a client may be allowed. */
export const ROLES = ['read', 'publish', 'subscribe', 'admin'] as const;

/** One of them. */
export type Role = (typeof ROLES)[number];

/** Whether this is the name of one. */
export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

export class AccessClient {
  readonly name: string;
  readonly #roles: ReadonlySet<Role>;
  /** Where it may publish and subscribe; null for everywhere. */
  readonly #patterns: readonly NamePattern[] | null;

  constructor(name: string, roles: ReadonlySet<Role>, patterns: readonly NamePattern[] | null) {
    this.name = name;
    this.#roles = roles;
    this.#patterns = patterns;
  }

  get isAdmin(): boolean {
    return this.#roles.has('admin');
  }

  /** Whether it has a role, or all. */
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
