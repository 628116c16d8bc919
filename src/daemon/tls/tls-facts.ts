/**
 * The TLS properties of a connection, as the statistics show them.
 *
 * Thread: main. Source: nsqd `prettyConnectionState`.
 */

import type { TLSSocket } from 'node:tls';
import { type CertificateFacts, certificateFacts } from './certificate-facts.ts';

/** The negotiated properties of a TLS connection. */
export type TlsFacts = {
  /** `TLS1.0` to `TLS1.3`. */
  readonly version: string;
  /** The name of a suite that nsqd knows; `Unknown <number>` for all others. */
  readonly cipherSuite: string;
  /** From ALPN; empty, because NSQ's clients do not use it. */
  readonly negotiatedProtocol: string;
  /** True, as Go reports for every TLS connection. */
  readonly isMutual: boolean;
  /** Of the client's certificate; empty if it presented none. */
  readonly commonName: string;
  readonly certificate: CertificateFacts;
};

const NAMED: ReadonlySet<string> = new Set([
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
]);

/** IANA's numbers of the other suites that OpenSSL negotiates. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['TLS_AES_128_GCM_SHA256', 0x1301],
  ['TLS_AES_256_GCM_SHA384', 0x1302],
  ['TLS_CHACHA20_POLY1305_SHA256', 0x1303],
  ['TLS_AES_128_CCM_SHA256', 0x1304],
  ['TLS_AES_128_CCM_8_SHA256', 0x1305],
  ['TLS_RSA_WITH_AES_128_CBC_SHA256', 0x003c],
  ['TLS_RSA_WITH_AES_256_CBC_SHA256', 0x003d],
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 0x009c],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 0x009d],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 0xc023],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384', 0xc024],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 0xc027],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384', 0xc028],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 0xc02c],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 0xc030],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 0xcca8],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 0xcca9],
  ['TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 0xccaa],
]);

const VERSIONS: ReadonlyMap<string, string> = new Map([
  ['TLSv1', 'TLS1.0'],
  ['TLSv1.1', 'TLS1.1'],
  ['TLSv1.2', 'TLS1.2'],
  ['TLSv1.3', 'TLS1.3'],
]);

/** Reads the properties of a connection after its handshake. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const version = socket.getProtocol() ?? '';
  return {
    version: VERSIONS.get(version) ?? `Unknown ${version}`,
    cipherSuite: cipherSuiteText(socket.getCipher().standardName),
    negotiatedProtocol: socket.alpnProtocol || '',
    isMutual: true,
    commonName: commonName(socket),
    certificate: certificateFacts(socket),
  };
}

/** A suite, given by its name in IANA's registry, as the statistics show it. */
export function cipherSuiteText(standardName: string): string {
  if (NAMED.has(standardName)) return standardName;
  return `Unknown ${NUMBERS.get(standardName) ?? standardName}`;
}

function commonName(socket: TLSSocket): string {
  // Without a certificate this is an empty object; with several common names, Go also keeps the last.
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  if (Array.isArray(name)) return String(name.at(-1));
  return typeof name === 'string' ? name : '';
}
