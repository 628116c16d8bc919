/**
 * Where to listen: parses an address option and listens on it.
 *
 * A host that stands for all addresses listens on IPv6 and IPv4 with one socket, as Go does, or on IPv4 alone if the
 * machine has no IPv6. If a name has addresses of both kinds, IPv4 is used.
 *
 * Thread: any.
 * Source: nsqd `util.TypeOfAddr`; Go's `net.Listen`. Differs in that a text without a slash is never a path, so that
 * a typo does not create a socket file.
 */

import { type AddressInfo, isIP, type ListenOptions, type Server } from 'node:net';
import { assert } from '../shared/assert.ts';
import { joinHostPort, splitHostPort } from './host-port.ts';
import { listenFailureText } from './listen-failure.ts';
import type { Logger } from './log.ts';
import { InvalidValue } from './options/invalid-value.ts';

/** A TCP address, or the path of a unix socket. Shape: `host` is empty or unspecified for all addresses. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** The address that a server listens on. */
export type Listening = {
  /** The form for the log. */
  readonly text: string;
  /** -1 for a unix socket. */
  readonly port: number;
};

const NSQD_PORT = 4150;
/** Both stand for every address. */
const ANY_HOST = '::';
const ANY_IPV4_HOST = '0.0.0.0';
/** What precedes an IPv4 address in the form of IPv6; Go listens on and shows the IPv4 address. */
const MAPPED_IPV4 = /^::ffff:(?=[\d.]+$)/i;
/** The system's errors without IPv6. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT', 'EINVAL']);
/** Longest path of a unix socket, without its zero byte; macOS has the lowest limit. Units: bytes. */
const PATH_BYTES_MAX = process.platform === 'darwin' ? 103 : 107;

/**
 * Parses an address option. Errors: returns what is wrong, as the end of a sentence with an example that has the port.
 */
export function parseListenAddress(text: string, port = NSQD_PORT): ListenAddress | InvalidValue {
  if (text.includes('/') && !text.includes('://')) return readPath(text);
  const address = splitHostPort(text);
  if (!(address instanceof InvalidValue)) return address;
  return new InvalidValue(
    `${address.why}; write <host>:<port> such as 127.0.0.1:${port}, or the path of a unix socket with a slash in it`,
  );
}

function readPath(path: string): ListenAddress | InvalidValue {
  const bytes = Buffer.byteLength(path);
  if (bytes <= PATH_BYTES_MAX) return { path };
  return new InvalidValue(
    `is a path of ${bytes} bytes; a unix socket's may have ${PATH_BYTES_MAX}`,
  );
}

/**
 * Makes a server listen.
 *
 * Errors: rejects with the system's error; the server does not listen.
 */
export async function listen(
  server: Server,
  address: ListenAddress,
  options: ListenOptions = {},
): Promise<Listening> {
  if ('path' in address) await listening(server, { ...options, path: address.path });
  else await listenOnHost(server, address, options);
  return boundAddress(server.address());
}

async function listenOnHost(
  server: Server,
  { host: given, port }: { readonly host: string; readonly port: number },
  options: ListenOptions,
): Promise<void> {
  const host = given.replace(MAPPED_IPV4, '');
  if (!isUnspecified(host)) {
    await listening(server, { ...options, host: await resolveHost(host), port });
    return;
  }
  try {
    await listening(server, { ...options, host: ANY_HOST, port, ipv6Only: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NO_IPV6.has(String(error.code))))
      throw error;
    await listening(server, { ...options, host: ANY_IPV4_HOST, port });
  }
}

/** Whether the host stands for all addresses: it is empty or all zeros. */
function isUnspecified(host: string): boolean {
  return isIP(host) === 0 ? host === '' : /^[0:.]+$/.test(host);
}

async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  const { lookup } = process.getBuiltinModule('node:dns/promises');
  return (await lookup(host, { order: 'ipv4first' })).address;
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function boundAddress(address: AddressInfo | string | null): Listening {
  if (address === null || typeof address === 'string') return { text: address ?? '', port: -1 };
  return { text: joinHostPort(address.address, address.port), port: address.port };
}

/**
 * Listens on the address of the option `--<kind>-address`, and logs it. Resolves with the port, -1 for a unix socket.
 *
 * Errors: rejects with the address, the option and the reason.
 */
export async function listenAt(
  logger: Pick<Logger, 'info'>,
  kind: 'TCP' | 'HTTP' | 'HTTPS',
  given: string,
  listenOn: (address: ListenAddress) => Promise<Listening>,
): Promise<number> {
  const address = parseListenAddress(given);
  assert(!(address instanceof InvalidValue), 'the address was checked with the options');
  try {
    const { text, port } = await listenOn(address);
    logger.info(`${kind}: listening on ${text}`);
    return port;
  } catch (cause) {
    const reason = listenFailureText(address, cause);
    const option = `--${kind.toLowerCase()}-address`;
    throw new Error(`listen (${given}) failed - ${reason}; it is the address of ${option}`, {
      cause,
    });
  }
}
