/**
 * Decides by the access file whether a request is allowed. The header `Authorization` decides, or the client's
 * certificate if there is no header.
 *
 * Thread: main.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { jsonTextAnswer, refusal } from '../../daemon/http/answer.ts';
import type { ClientOrRefusal } from '../../daemon/http/endpoints.ts';
import { remoteHost } from '../../daemon/remote-host.ts';
import { certificateFacts } from '../../daemon/tls/certificate-facts.ts';
import { type Access, BUSY } from '../access/access.ts';
import type { AccessClient, Role } from '../access/access-client.ts';
import { credentialsOfHeader } from '../access/credentials.ts';

const SECONDS_UNTIL_RETRY = '1';

/** The client has not identified itself, or its secret is wrong. */
const UNAUTHORIZED = refusal(401, 'UNAUTHORIZED', [
  'WWW-Authenticate',
  'Basic realm="ringmq", charset="UTF-8", Bearer realm="ringmq"',
]);
/** Too many clients wait for the check of their secrets. */
const TOO_MANY_CHECKS = refusal(503, 'TOO_MANY_CHECKS', ['Retry-After', SECONDS_UNTIL_RETRY]);
/** The client may publish, but not to this topic. */
export const TOPIC_FORBIDDEN = refusal(403, 'TOPIC_FORBIDDEN');

export class HttpAccess {
  readonly #access: Access;
  /** The client of each certificate that was shown on a connection. */
  readonly #certificates = new WeakMap<Socket, { version: number; client: AccessClient | null }>();

  constructor(access: Access) {
    this.#access = access;
  }

  /** Incremented when the file is read again. */
  get version(): number {
    return this.#access.version;
  }

  /** The client that sent a request, if it has the role; otherwise the refusal. */
  authorize(
    { headers, socket }: IncomingMessage,
    role: Role,
  ): ClientOrRefusal | Promise<ClientOrRefusal> {
    const { authorization } = headers;
    if (authorization !== undefined) return this.authorizeField(authorization, socket, role);
    return withRole(this.#ofCertificate(socket), role);
  }

  /** The same for the value of `Authorization`. */
  authorizeField(
    field: string,
    socket: Socket,
    role: Role,
  ): ClientOrRefusal | Promise<ClientOrRefusal> {
    const credentials = credentialsOfHeader(field);
    if (credentials === undefined) return UNAUTHORIZED;
    const { name, secret } = credentials;
    const client = this.#access.ofSecret(name, secret, remoteHost(socket));
    if (client === BUSY) return TOO_MANY_CHECKS;
    if (client instanceof Promise) return client.then((found) => withRole(found, role));
    return withRole(client, role);
  }

  #ofCertificate(socket: Socket): AccessClient | null {
    if (!(socket instanceof process.getBuiltinModule('node:tls').TLSSocket)) return null;
    const { version } = this.#access;
    const known = this.#certificates.get(socket);
    if (known?.version === version) return known.client;
    const client = this.#access.ofCertificate(certificateFacts(socket));
    this.#certificates.set(socket, { version, client });
    return client;
  }
}

function withRole(client: AccessClient | null, role: Role): ClientOrRefusal {
  if (client === null) return UNAUTHORIZED;
  if (client.has(role)) return client;
  return jsonTextAnswer(403, JSON.stringify({ message: 'ROLE_REQUIRED', role }));
}
