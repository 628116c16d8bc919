/**
 * The identity in a client's TLS certificate.
 *
 * Thread: main.
 */

import type { TLSSocket } from 'node:tls';

/** Both are empty for a client without a certificate. */
export type CertificateFacts = {
  /** The common name, if a trusted authority has signed the certificate; otherwise empty. */
  readonly verifiedName: string;
  /** The SHA-256, in hex and lower case. */
  readonly fingerprint: string;
};

/** No certificate. */
export const NO_CERTIFICATE: CertificateFacts = { verifiedName: '', fingerprint: '' };

/** Reads them after the handshake, which has proved that the client has the certificate's key. */
export function certificateFacts(socket: TLSSocket): CertificateFacts {
  const { fingerprint256, subject } = socket.getPeerCertificate();
  // Without a certificate this is an empty object.
  if (typeof fingerprint256 !== 'string') return NO_CERTIFICATE;
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
  const name: unknown = subject?.CN;
  const isVerified = socket.authorized && typeof name === 'string';
  return { verifiedName: isVerified ? name : '', fingerprint };
}
