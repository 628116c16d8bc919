/**
 * Where a server listens: `host:port`, an IPv6 host in brackets.
 */

import { isIPv6 } from 'node:net';

export type Address = { readonly host: string; readonly port: number };

const PORT_MAX = 65_535;

/** Errors: undefined when the text is no `host:port`. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > PORT_MAX) return undefined;
  return { host, port };
}

export function spellAddress({ host, port }: Address): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
