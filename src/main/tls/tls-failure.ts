/**
 * Why a TLS handshake failed, in words that fit a log line and an answer to the client.
 *
 * Thread: main.
 */

import type { TLSSocket } from 'node:tls';

/** A handshake that did not succeed. */
export class TlsFailure extends Error {
  override readonly name: string = 'TlsFailure';
}

/** A client has shown no certificate where it has to. */
export class CertificateRequired extends TlsFailure {
  override readonly name = 'CertificateRequired';

  constructor() {
    super('tls: client did not provide a certificate');
  }
}

/** What Node reports of a handshake: OpenSSL's own text has places in its source in it, the reason has not. */
export function handshakeFailure(error: Error, socket: TLSSocket): TlsFailure {
  // Verification ends a connection without an error of its own.
  const why = verificationText(socket) ?? reasonOf(error) ?? error.message;
  return new TlsFailure(`tls: ${why}`, { cause: error });
}

function verificationText(socket: TLSSocket): string | undefined {
  // Declared as an error, this is its code.
  const code: unknown = socket.authorizationError;
  return code ? `client certificate refused, ${String(code)}` : undefined;
}

function reasonOf(error: Error): string | undefined {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : undefined;
}
