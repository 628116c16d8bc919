/**
 * Where a peer is: the `<host>:<port>` of an option that names a server to talk to.
 *
 * Thread: any.
 */

import { type HostPort, splitHostPort } from './host-port.ts';
import { Refused } from './options/refused.ts';

/** The host that is meant where none is named. */
const THIS_HOST = 'localhost';

/** Reads an address; spaces around it do not count. Errors: says what is wrong, as the rest of a sentence. */
export function parsePeerAddress(text: string): HostPort | Refused {
  const address = splitHostPort(text.trim());
  if (address instanceof Refused) return address;
  const { host, port } = address;
  if (port === 0) return new Refused('has port 0, which no server has');
  return { host: host === '' ? THIS_HOST : host, port };
}
