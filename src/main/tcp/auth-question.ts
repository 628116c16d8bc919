/**
 * The query about a client that authenticates.
 *
 * Thread: main. Source: nsqd `clientV2.QueryAuthd`.
 */

import type { AuthQuestion } from '../auth/auth-servers.ts';
import type { Client } from './client.ts';

/** The question. `secret` is kept. */
export function authQuestion({ remoteIp, tls }: Client, secret: Buffer): AuthQuestion {
  return {
    remoteIp,
    isTls: tls !== null,
    commonName: tls?.commonName ?? '',
    ...(tls !== null && { certificate: tls.certificate }),
    secret,
  };
}
