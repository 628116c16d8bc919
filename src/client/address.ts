/**
 * Parses broker addresses as users write them.
 *
 * Thread: any.
 */

import { NsqError } from './nsq-error.ts';

/** A broker's TCP address. */
export type Address = {
  readonly host: string;
  readonly port: number;
  /** `host:port`, with an IPv6 host in brackets: identifies the broker in events and errors. */
  readonly text: string;
};

const NSQD_PORT = 4150;
const PORT_MAX = 65535;
const HOST_AND_PORT = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d{1,5}))?$/;

/**
 * Parses `host:port`, `[ipv6]:port`, or `host` with the default port 4150.
 *
 * Errors: throws an NsqError, INVALID_OPTION, that names the option.
 */
export function parseAddress(text: string, option: string): Address {
  const [, ipv6, name, portText] = HOST_AND_PORT.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = portText === undefined ? NSQD_PORT : Number(portText);
  if (host === undefined || port < 1 || port > PORT_MAX) {
    throw new NsqError('INVALID_OPTION', `option ${option}: "${text}" is not host:port`);
  }
  return addressOf(host, port);
}

/** The address of a host and a port that are known to be valid. */
export function addressOf(host: string, port: number): Address {
  return { host, port, text: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
}
