/**
 * A broker with a certificate, and requests to its HTTPS port.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { type Authority, makeCertificate } from '../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { BrokerSite, type CleanUp } from './broker-process.ts';
import type { Answer } from './broker-stats.ts';

/** A certificate and its key, in PEM. */
type Credentials = Pick<Authority, 'cert' | 'key'>;

/** The answer over HTTPS, and the certificate that the broker has presented. */
export type SecureAnswer = Answer & { readonly certificateName: string };

export class TlsSite {
  /** The files that the broker has when it starts. */
  readonly certificate = makeCertificate({ commonName: 'broker' });

  readonly #site: BrokerSite;
  readonly #certPath: string;
  readonly #keyPath: string;

  constructor(t: CleanUp) {
    this.#site = new BrokerSite(t);
    this.#certPath = join(this.#site.dataPath, 'certificate.pem');
    this.#keyPath = join(this.#site.dataPath, 'key.pem');
    this.install(this.certificate);
  }

  /** Replaces the broker's certificate, without a reload. */
  install({ cert, key }: Credentials): void {
    writeFileSync(this.#certPath, cert);
    writeFileSync(this.#keyPath, key);
  }

  /** Writes a file to the broker's directory, and returns its path. */
  write(name: string, content: string): string {
    const path = join(this.#site.dataPath, name);
    writeFileSync(path, content);
    return path;
  }

  /** Starts a broker with TLS on its TCP port, and HTTPS. Resolves when it listens. */
  async start(...flags: readonly string[]): Promise<BrokerProcess> {
    const broker = this.launch(...flags);
    await broker.listening();
    return broker;
  }

  /** Starts such a broker, and does not wait for it. */
  launch(...flags: readonly string[]): BrokerProcess {
    return this.#site.launch({
      flags: [
        `--tls-cert=${this.#certPath}`,
        `--tls-key=${this.#keyPath}`,
        '--https-address=127.0.0.1:0',
        ...flags,
      ],
    });
  }
}

/** Sends a request over HTTPS, on its own connection: with a body as POST. */
export async function askSecurely(
  broker: BrokerProcess,
  path: string,
  { body, ...options }: RequestOptions & { readonly body?: string | Buffer } = {},
): Promise<SecureAnswer> {
  const [, port] = await broker.logged(/HTTPS: listening on .*:(\d+)$/m);
  const sent = request({
    host: '127.0.0.1',
    servername: 'localhost',
    port,
    path,
    method: body === undefined ? 'GET' : 'POST',
    agent: false,
    ...options,
  });
  sent.end(body);
  // the properties of the event in Node's documentation
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const { subject } = (response.socket as TLSSocket).getPeerCertificate();
  const status = response.statusCode ?? 0;
  return { status, text: await text(response), certificateName: String(subject.CN) };
}
