/**
 * Why a TLS handshake failed, in words that fit a log line and an answer to the client.
 *
 * Thread: main.
 */

import type { TLSSocket } from 'node:tls';
import { errorText } from '../../shared/error-text.ts';

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

/** A handshake that Node reports as failed. */
export function handshakeFailure(error: Error, socket: TLSSocket): TlsFailure {
  // Verification ends a connection without an error of its own.
  const why = verificationText(socket) ?? tlsErrorText(error);
  return new TlsFailure(`tls: ${why}`, { cause: error });
}

/** What went wrong: of OpenSSL's errors the reason alone, without the places in its source. */
export function tlsErrorText(error: unknown): string {
  const isReasoned = error instanceof Error && 'reason' in error;
  return isReasoned && typeof error.reason === 'string' ? error.reason : errorText(error);
}

function verificationText(socket: TLSSocket): string | undefined {
  // Declared as an error, this is its code.
  const code: unknown = socket.authorizationError;
  return code ? `client certificate refused, ${String(code)}` : undefined;
}
