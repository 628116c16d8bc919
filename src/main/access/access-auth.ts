/**
 * Applies the access file to TCP, in place of auth servers: the secret of AUTH is a token, and a certificate in the
 * file admits its client whatever the secret.
 *
 * Permissions expire after some seconds, so that a client that is removed from the file, or whose roles change, notices
 * at its next command.
 *
 * Thread: main.
 */

import { NO_CERTIFICATE } from '../../daemon/tls/certificate-facts.ts';
import type { AuthQuestion } from '../auth/auth-servers.ts';
import type { AuthSource, GrantedPermissions } from '../auth/auth-state.ts';
import type { Permission } from '../auth/grant.ts';
import { type Access, BUSY } from './access.ts';
import type { AccessClient } from './access-client.ts';
import { credentialsOfToken } from './credentials.ts';

const TTL_MS = 10_000;
/** Units: as in `TurnBudget`. */
const CHECK_COST = 16;

export class AccessAuth implements AuthSource {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  async query(question: AuthQuestion): Promise<GrantedPermissions> {
    const admitted = this.admit(question);
    if (admitted !== null) return admitted;
    const credentials = credentialsOfToken(question.secret);
    if (credentials === undefined)
      throw new Error('the secret is not a token of the form <name>.<secret>');
    const { name, secret } = credentials;
    const client = await this.#access.ofSecret(name, secret, question.remoteIp);
    if (client === BUSY) throw new Error('too many secrets wait for their check');
    if (client === null) throw new Error('the secret is not in the access file');
    return new AccessGrant(client);
  }

  admit({ certificate = NO_CERTIFICATE }: AuthQuestion): GrantedPermissions | null {
    const client = this.#access.ofCertificate(certificate);
    return client === null ? null : new AccessGrant(client);
  }
}

class AccessGrant implements GrantedPermissions {
  readonly identityUrl = '';
  readonly ttlMs = TTL_MS;
  readonly checkCost = CHECK_COST;
  readonly #client: AccessClient;

  constructor(client: AccessClient) {
    this.#client = client;
  }

  get identity(): string {
    return this.#client.name;
  }

  /** 0 for a client without a role for TCP, which AUTH refuses. */
  get permissionCount(): number {
    return this.#client.has('publish') || this.#client.has('subscribe') ? 1 : 0;
  }

  isAllowed(permission: Permission, topic: string, channel: string): boolean {
    return permission === 'publish'
      ? this.#client.mayPublish(topic)
      : this.#client.maySubscribe(topic, channel);
  }
}
