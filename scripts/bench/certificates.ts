/**
 * Creates certificates for tests: a small writer of DER, and as much of X.509 as TLS needs.
 */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A certificate and its key, in PEM. */
type Credentials = { readonly cert: string; readonly key: string };

/** The contents of a certificate. */
export type CertificateRequest = {
  readonly commonName: string;
  /** The issuer; by default the certificate signs itself. */
  readonly issuer?: Authority;
  readonly isAuthority?: boolean;
  readonly digest?: 'sha1' | 'sha256';
  readonly keyType?: 'ec' | 'rsa';
  readonly notAfter?: Date;
};

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const NULL = Buffer.from([0x05, 0x00]);
const DNS_NAME = 0x82;

const COMMON_NAME = [2, 5, 4, 3];
const BASIC_CONSTRAINTS = [2, 5, 29, 19];
const SUBJECT_ALTERNATIVE_NAME = [2, 5, 29, 17];
const SIGNATURES = {
  ec: { sha1: [1, 2, 840, 10045, 4, 1], sha256: [1, 2, 840, 10045, 4, 3, 2] },
  rsa: { sha1: [1, 2, 840, 113549, 1, 1, 5], sha256: [1, 2, 840, 113549, 1, 1, 11] },
};
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z');
const NOT_AFTER = new Date('2120-01-01T00:00:00Z');

/** A certificate authority with its own certificate. */
export class Authority implements Credentials {
  readonly commonName: string;
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;

  constructor(request: CertificateRequest) {
    const { privateKey, publicKey } = makeKeys(request.keyType ?? 'ec');
    this.commonName = request.commonName;
    this.privateKey = privateKey;
    this.key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.cert = certify(request, publicKey, request.issuer ?? this);
  }
}

/** Creates a certificate that is valid for `localhost`. */
export function makeCertificate(request: CertificateRequest): Authority {
  return new Authority(request);
}

/** Writes texts to files in a temporary directory of the test, and returns the path of each. */
export function writeFiles<Name extends string>(
  t: TestContext,
  texts: Readonly<Record<Name, string>>,
): Record<Name, string> {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const paths: Record<string, string> = {};
  for (const [name, text] of Object.entries<string>(texts)) {
    paths[name] = join(directory, `${name}.pem`);
    writeFileSync(paths[name], text);
  }
  // Every name of the texts has its path.
  return paths as Record<Name, string>;
}

function makeKeys(type: 'ec' | 'rsa'): { privateKey: KeyObject; publicKey: KeyObject } {
  return type === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function certify(request: CertificateRequest, subjectKey: KeyObject, issuer: Authority): string {
  const digest = request.digest ?? 'sha256';
  const type = issuer.privateKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
  const algorithm = der(
    SEQUENCE,
    objectId(SIGNATURES[type][digest]),
    ...(type === 'rsa' ? [NULL] : []),
  );
  const content = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name(issuer.commonName),
    der(SEQUENCE, time(NOT_BEFORE), time(request.notAfter ?? NOT_AFTER)),
    name(request.commonName),
    subjectKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, ...extensions(request.isAuthority ?? false))),
  );
  const signature = sign(digest, content, issuer.privateKey);
  const certificate = der(SEQUENCE, content, algorithm, bitString(signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensions(isAuthority: boolean): Buffer[] {
  const constraints = der(SEQUENCE, ...(isAuthority ? [TRUE] : []));
  const names = der(SEQUENCE, der(DNS_NAME, Buffer.from('localhost')));
  return [
    der(SEQUENCE, objectId(BASIC_CONSTRAINTS), TRUE, der(OCTET_STRING, constraints)),
    der(SEQUENCE, objectId(SUBJECT_ALTERNATIVE_NAME), der(OCTET_STRING, names)),
  ];
}

function name(commonName: string): Buffer {
  const value = der(UTF8_STRING, Buffer.from(commonName));
  return der(SEQUENCE, der(SET, der(SEQUENCE, objectId(COMMON_NAME), value)));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$/, 'Z');
  return der(GENERALIZED_TIME, Buffer.from(digits.replace(/[-:T]/g, '')));
}

function bitString(bytes: Buffer): Buffer {
  return der(BIT_STRING, Buffer.from([0]), bytes);
}

function objectId([first, second, ...rest]: readonly number[]): Buffer {
  return der(OBJECT_ID, Buffer.from([first * 40 + second, ...rest.flatMap(septets)]));
}

/** A number in groups of seven bits, all but the last with the high bit set. */
function septets(value: number): number[] {
  const groups = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    groups.unshift(128 + (rest % 128));
  }
  return groups;
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
