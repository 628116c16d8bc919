/**
 * The broker's TLS settings as a server: its certificate, the verification of clients, and the minimum version.
 *
 * One context serves all connections of the TCP port and of the attached HTTPS servers, and can be reloaded while
 * they run.
 *
 * A key is held only in buffers, never in strings, which a heap snapshot would show; the buffers are zeroed once all
 * servers have the key (`forgetKey`). OpenSSL keeps its own copy.
 *
 * Thread: main. Source: nsqd `buildTLSConfig`. Differs in that it can be reloaded.
 */

import type { Socket } from 'node:net';
import type { SecureContextOptions, SecureVersion, Server, TLSSocket, TlsOptions } from 'node:tls';
import { rethrowBug } from '../../shared/assert.ts';
import { atFirstUse } from '../../shared/first-use.ts';
import { readGivenFile } from '../../shared/given-file.ts';
import type { TlsVersion } from '../options/option-kinds.ts';
import { systemErrorText } from '../system-error.ts';
import { CertificateRequired, handshakeFailure, TlsFailure, tlsErrorText } from './tls-failure.ts';

const tls = atFirstUse(() => process.getBuiltinModule('node:tls'));

/** The options that it depends on. */
export type TlsContextOptions = {
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly tlsRootCaFile: string;
  readonly tlsClientAuthPolicy: string;
  readonly tlsMinVersion: TlsVersion;
};

/** The contents of the files, and the protocol settings. */
type Secrets = SecureContextOptions & { readonly key: Buffer };

/** Gets the outcome of a handshake. */
type HandshakeEnd = (outcome: TLSSocket | TlsFailure) => void;

/** Node's names for the versions in the options. */
export const SECURE_VERSIONS: Readonly<Record<TlsVersion, SecureVersion>> = {
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
};
/**
 * OpenSSL needs this for versions before 1.2: they sign with SHA-1, which higher security levels reject, also in
 * certificates.
 */
const OLD_CIPHERS = 'DEFAULT@SECLEVEL=0';
const OLD_VERSIONS: ReadonlySet<SecureVersion> = new Set(['TLSv1', 'TLSv1.1']);

export class TlsContext {
  readonly #options: TlsContextOptions;
  /** Never listens; it performs the handshakes of connections that start in plain text. */
  readonly #upgrades: Server;
  readonly #servers = new Set<Server>();
  /** The callback of each handshake, by the view of `#upgrades` that it was started with. */
  readonly #handshakes = new WeakMap<Server, HandshakeEnd>();
  #secrets: Secrets;
  #reloads = 0;

  /** Errors: rejects if the files cannot be used. */
  static async load(options: TlsContextOptions): Promise<TlsContext> {
    return new TlsContext(options, await readSecrets(options));
  }

  private constructor(options: TlsContextOptions, secrets: Secrets) {
    this.#options = options;
    this.#secrets = secrets;
    const context = this;
    this.#upgrades = tls()
      .createServer(this.serverOptions())
      // The server that emits the event identifies the connection.
      .on('secureConnection', function (this: Server, socket) {
        context.#handshakes.get(this)?.(context.#admit(socket));
      })
      .on('tlsClientError', function (this: Server, error, socket) {
        context.#handshakes.get(this)?.(handshakeFailure(error, socket));
      });
  }

  /** The options of an HTTPS server; to be read before `forgetKey`. */
  serverOptions(): TlsOptions {
    const policy = this.#options.tlsClientAuthPolicy;
    const isVerified = policy === 'require-verify';
    return {
      ...this.#secrets,
      requestCert: isVerified || policy === 'require',
      // Node either rejects every unverified client or none. `#admit` checks that there is a certificate at all.
      rejectUnauthorized: isVerified,
    };
  }

  /**
   * Makes an HTTPS server created with `serverOptions` follow reloads and reject the same clients as the TCP port.
   */
  attach(server: Server): void {
    this.#servers.add(server);
    server.on('secureConnection', (socket) => {
      if (this.#admit(socket) !== socket) socket.destroy();
    });
    server.once('close', () => this.#servers.delete(server));
  }

  /** Called when all servers exist: zeroes the key. */
  forgetKey(): void {
    this.#secrets.key.fill(0);
  }

  /**
   * Reads the files again; later connections use their contents.
   *
   * Errors: rejects if they cannot be used; nothing changes then.
   */
  async reload(): Promise<void> {
    this.#reloads++;
    const reload = this.#reloads;
    const secrets = await readSecrets(this.#options);
    // Ignores a reload that a later one has overtaken.
    if (reload === this.#reloads) {
      this.#secrets = secrets;
      for (const server of [this.#upgrades, ...this.#servers]) server.setSecureContext(secrets);
    }
    secrets.key.fill(0);
  }

  /**
   * Performs the server's side of a handshake on a connected socket, including its unread input. `onEnd` is called
   * once, unless the socket is destroyed first; after a failure the socket can still be written to in the same turn,
   * and then closes.
   */
  handshake(socket: Socket, onEnd: HandshakeEnd): void {
    // Node's servers accept connections that were made elsewhere, but their events do not identify the original
    // socket. A view of the server that is used only for this socket does.
    const view: Server = Object.create(this.#upgrades);
    this.#handshakes.set(view, onEnd);
    view.emit('connection', socket);
  }

  /** Rejects a client that must present a certificate and has not. */
  #admit(socket: TLSSocket): TLSSocket | TlsFailure {
    const isRequired = this.#options.tlsClientAuthPolicy === 'require';
    let failure: TlsFailure = new CertificateRequired();
    try {
      if (!isRequired || socket.getPeerX509Certificate() !== undefined) return socket;
    } catch (cause) {
      // The client sent it, and it is not verified.
      rethrowBug(cause);
      failure = new TlsFailure('tls: the certificate of the client cannot be read', { cause });
    }
    socket.destroy();
    return failure;
  }
}

async function readSecrets(options: TlsContextOptions): Promise<Secrets> {
  const { tlsCert, tlsKey, tlsRootCaFile, tlsMinVersion } = options;
  const minVersion = SECURE_VERSIONS[tlsMinVersion];
  let key: Buffer | undefined;
  try {
    const cert = await readPem('tls-cert', tlsCert);
    key = await readPem('tls-key', tlsKey);
    const secrets = {
      cert,
      key,
      ...(tlsRootCaFile !== '' && { ca: await readPem('tls-root-ca-file', tlsRootCaFile) }),
      ...(OLD_VERSIONS.has(minVersion) && { ciphers: OLD_CIPHERS }),
      minVersion,
    };
    checkPair(options, cert, key);
    // Checks that they can be used before any server gets them.
    try {
      tls().createSecureContext(secrets);
    } catch (cause) {
      throw new Error(pairText(options, cause), { cause });
    }
    return secrets;
  } catch (cause) {
    key?.fill(0);
    throw new Error(`failed to build TLS config - ${tlsErrorText(cause)}`, { cause });
  }
}

async function readPem(flag: string, file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readGivenFile(file);
  } catch (cause) {
    throw new Error(`--${flag} "${file}": ${systemErrorText(cause)}`, { cause });
  }
  const wrong = pemFault(flag === 'tls-key' ? 'key' : 'certificate', bytes);
  if (wrong === undefined) return bytes;
  bytes.fill(0);
  throw new Error(`--${flag} "${file}": ${wrong}`);
}

/** Why a single file cannot be used; undefined if it can. */
function pemFault(kind: 'key' | 'certificate', bytes: Buffer): string | undefined {
  if (bytes.length === 0) return 'it is empty';
  const hasKey = bytes.includes('PRIVATE KEY-----');
  const hasCertificate = bytes.includes('BEGIN CERTIFICATE-----');
  if (kind === 'key') {
    if (hasKey) return bytes.includes('ENCRYPTED') ? 'the key has a passphrase' : keyFault(bytes);
    return `it holds no private key in PEM${hasCertificate ? ', but a certificate' : ''}`;
  }
  if (!hasCertificate) {
    return `it holds no certificate in PEM${hasKey ? ', but a private key' : ''}`;
  }
  try {
    // OpenSSL ignores authorities that it cannot parse, and then has none.
    new (crypto().X509Certificate)(bytes);
    return undefined;
  } catch (error) {
    return `its certificate is damaged (${tlsErrorText(error)})`;
  }
}

/** Why a private key in PEM cannot be used; undefined if it can. */
function keyFault(bytes: Buffer): string | undefined {
  try {
    crypto().createPrivateKey(bytes);
    return undefined;
  } catch (error) {
    return `its private key is damaged (${tlsErrorText(error)})`;
  }
}

/** OpenSSL reports a key of another certificate only if both are of the same kind. */
function checkPair({ tlsCert, tlsKey }: TlsContextOptions, cert: Buffer, key: Buffer): void {
  const { X509Certificate, createPrivateKey } = crypto();
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return;
  throw new Error(
    `the key of --tls-key "${tlsKey}" is not that of the certificate of --tls-cert "${tlsCert}"`,
  );
}

/** Loaded with TLS only. */
function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

/** Why a valid certificate and a valid key cannot be used together. */
function pairText({ tlsCert, tlsKey }: TlsContextOptions, cause: unknown): string {
  return `--tls-cert "${tlsCert}" with --tls-key "${tlsKey}": ${tlsErrorText(cause)}`;
}
