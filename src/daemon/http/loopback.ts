/**
 * Which addresses are on this machine, whatever network it is in.
 *
 * Thread: any.
 */

import { remoteHost } from '../remote-host.ts';

const IPV6_LOOPBACK = '::1';
const IPV4_LOOPBACK_NET = '127.';

/** Whether an address, as a socket tells it, is this machine's own. A client that has gone has none. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const host = remoteHost({ remoteAddress: address });
  return host === IPV6_LOOPBACK || host.startsWith(IPV4_LOOPBACK_NET);
}
