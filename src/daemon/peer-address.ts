/**
 * Where a peer is: the `<host>:<port>` of an option that names a server to talk to.
 *
 * Thread: any.
 */

import { type HostPort, splitHostPort } from './host-port.ts';
import { InvalidValue } from './options/invalid-value.ts';

/** The host that is meant where none is named. */
const THIS_HOST = 'localhost';

/** Reads an address; spaces around it do not count. Errors: says what is wrong, as the rest of a sentence. */
export function parsePeerAddress(text: string): HostPort | InvalidValue {
  const address = splitHostPort(text.trim());
  if (address instanceof InvalidValue) return address;
  const { host, port } = address;
  if (port === 0) return new InvalidValue('has port 0, which no server has');
  return { host: host === '' ? THIS_HOST : host, port };
}
