/**
 * The address of a peer: the `<host>:<port>` of an option that names another server.
 *
 * Thread: any.
 */

import { type HostPort, splitHostPort } from './host-port.ts';
import { InvalidValue } from './options/invalid-value.ts';

/** The default host. */
const THIS_HOST = 'localhost';

/** Parses an address; surrounding spaces are ignored. Errors: returns what is wrong, as the end of a sentence. */
export function parsePeerAddress(text: string): HostPort | InvalidValue {
  const address = splitHostPort(text.trim());
  if (address instanceof InvalidValue) return address;
  const { host, port } = address;
  if (port === 0) return new InvalidValue('has port 0, which no server has');
  return { host: host === '' ? THIS_HOST : host, port };
}
