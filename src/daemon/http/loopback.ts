/**
 * Loopback addresses.
 *
 * Thread: any.
 */

import { remoteHost } from '../remote-host.ts';

const IPV6_LOOPBACK = '::1';
const IPV4_LOOPBACK_NET = '127.';

/** Whether a socket's remote address is a loopback address. The address is undefined after the client disconnects. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const host = remoteHost({ remoteAddress: address });
  return host === IPV6_LOOPBACK || host.startsWith(IPV4_LOOPBACK_NET);
}
