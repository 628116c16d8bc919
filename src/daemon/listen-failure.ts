/**
 * Explains why a server cannot listen, and what to change. The system's own text about a path or a network interface is
 * too short for that, and sometimes misleading.
 *
 * Thread: any.
 */

import { statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { systemErrorText } from './system-error.ts';

/** The address to listen on. */
type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** Ports below this one need a special permission. */
const FREE_PORT_MIN = 1024;
/** `fe80::/10`: such an address is incomplete without its interface. */
const LINK_LOCAL = /^fe[89ab]/i;

/** The reason in words. `error` is the error of listening on the address. */
export function listenFailureText(address: Place, error: unknown): string {
  const text = systemErrorText(error);
  if ('path' in address) return pathFailure(address.path) ?? text;
  const { host, port } = address;
  const isRefused = codeOf(error) === 'EACCES';
  if (isRefused && port < FREE_PORT_MIN) {
    return `${text}: ports below ${FREE_PORT_MIN} are for root, or need CAP_NET_BIND_SERVICE`;
  }
  return (isIPv6(host) ? zoneFailure(host) : undefined) ?? text;
}

/** The fault of a unix socket's path; undefined if the path is not the reason. */
function pathFailure(file: string): string | undefined {
  const directory = path.dirname(path.resolve(file));
  const parent = kindOf(directory);
  if (parent === undefined) return `the directory ${JSON.stringify(directory)} does not exist`;
  if (parent !== 'directory') return `${JSON.stringify(directory)} is not a directory`;
  switch (kindOf(file)) {
    case undefined:
      return undefined;
    case 'directory':
      return `it is a directory; a unix socket needs a name in it, such as ${path.join(file, 'ringmq.sock')}`;
    case 'socket':
      return 'a socket of this name is there; if no program listens on it, remove it';
    case 'file':
      return 'a file of this name is there, and a unix socket needs a free name';
  }
}

/** Undefined if nothing is found. */
function kindOf(file: string): 'directory' | 'socket' | 'file' | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isDirectory()) return 'directory';
  return found.isSocket() ? 'socket' : 'file';
}

/** The fault of an IPv6 address's network interface; undefined if that is not the reason. */
function zoneFailure(host: string): string | undefined {
  const names = Object.keys(networkInterfaces());
  const [, zone] = host.split('%');
  if (zone !== undefined && !names.includes(zone)) {
    const known = names.join(', ');
    return `this machine has no network interface ${JSON.stringify(zone)}; it has ${known}`;
  }
  if (zone !== undefined || !LINK_LOCAL.test(host)) return undefined;
  return `a link-local address needs its network interface, such as [${host}%eth0]`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
