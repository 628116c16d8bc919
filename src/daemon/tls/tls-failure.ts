/**
 * The reason why a TLS handshake failed, as text for a log line and for an error to the client.
 *
 * Thread: main.
 */

import type { TLSSocket } from 'node:tls';
import { errorText } from '../../shared/error-text.ts';

/** A failed handshake. */
export class TlsFailure extends Error {
  override readonly name: string = 'TlsFailure';
}

/** The client did not present a required certificate. */
export class CertificateRequired extends TlsFailure {
  override readonly name = 'CertificateRequired';

  constructor() {
    super('tls: client did not provide a certificate');
  }
}

/** A handshake that Node reports as failed. */
export function handshakeFailure(error: Error, socket: TLSSocket): TlsFailure {
  // A failed verification closes the connection without an error of its own.
  const why = verificationText(socket) ?? tlsErrorText(error);
  return new TlsFailure(`tls: ${why}`, { cause: error });
}

/** The error as text; for OpenSSL's errors only the reason, without its source locations. */
export function tlsErrorText(error: unknown): string {
  const isReasoned = error instanceof Error && 'reason' in error;
  return isReasoned && typeof error.reason === 'string' ? error.reason : errorText(error);
}

function verificationText(socket: TLSSocket): string | undefined {
  // Declared as an error, but in fact its code.
  const code: unknown = socket.authorizationError;
  return code ? `client certificate refused, ${String(code)}` : undefined;
}
