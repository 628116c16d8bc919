/**
 * Parses `<host>:<port>` as an operator writes it, with a reason if it is invalid.
 *
 * Thread: any. Source: Go's `net.SplitHostPort`, `net.JoinHostPort`.
 */

import { isIPv6 } from 'node:net';
import { InvalidValue } from './options/invalid-value.ts';

/** A host and its port. An IPv6 host has no brackets; the host is empty if none is given. */
export type HostPort = { readonly host: string; readonly port: number };

const PORT_MAX = 65535;
/**
 * A host is a name or an IPv4 address. Underscores are not valid in Internet names, but occur in names of containers.
 */
const HOST = /^[\p{L}\p{N}_.-]*$/u;

/** Splits an address at its last colon. Errors: returns the fault, as the end of a sentence. */
export function splitHostPort(text: string): HostPort | InvalidValue {
  if (text === '') return new InvalidValue('is empty');
  const colon = text.lastIndexOf(':');
  if (colon === -1 || text.endsWith(']')) return new InvalidValue('has no port');
  const host = readHost(text.slice(0, colon));
  if (host instanceof InvalidValue) return host;
  const port = readPort(text.slice(colon + 1));
  return port instanceof InvalidValue ? port : { host, port };
}

/** Whether a text can be a host's name, or is an IPv4 address. */
export function isHostName(text: string): boolean {
  return text !== '' && HOST.test(text);
}

/** The form for URLs, options and log lines: an IPv6 host in brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function readHost(text: string): string | InvalidValue {
  if (text.startsWith('[') && text.endsWith(']')) {
    const host = text.slice(1, -1);
    if (host === '' || isIPv6(host)) return host;
    return new InvalidValue(`has no IPv6 address in its brackets, but ${JSON.stringify(host)}`);
  }
  if (text.includes('://')) return new InvalidValue('is a URL; it must be a host and a port alone');
  if (text.includes(':'))
    return new InvalidValue('has more than one colon; write IPv6 in brackets, as in [::1]');
  if (HOST.test(text)) return text;
  return new InvalidValue(wrongHost(text));
}

function wrongHost(text: string): string {
  const reason = `has an invalid host, ${JSON.stringify(text)}`;
  return text === '*' ? `${reason}; for every address leave it out, as in :4150` : reason;
}

function readPort(text: string): number | InvalidValue {
  if (text === '') return new InvalidValue('has no port after its colon');
  if (!/^\d+$/.test(text)) {
    return new InvalidValue(`has a port that is not a number, ${JSON.stringify(text)}`);
  }
  const port = Number(text);
  if (port <= PORT_MAX) return port;
  return new InvalidValue(`has port ${text}, and the highest is ${PORT_MAX}`);
}
