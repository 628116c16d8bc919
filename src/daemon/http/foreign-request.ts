/**
 * Refuses requests that a page of another site makes a browser send. A browser sends a form, or a body of plain text,
 * to any address that it can reach, and asks nobody. A user who opens such a page inside the network would publish and
 * delete for it. Browsers send the origin of a request, and other clients do not.
 *
 * A page with a name that points to 127.0.0.1 can also pass as one of the broker's own site. A broker that only this
 * machine can reach therefore answers to this machine's names only.
 *
 * Thread: main. Source: ours; nsqd answers every request.
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type Answer, refusal } from './answer.ts';

/** What a request says of where it comes from. */
type Asked = Pick<IncomingMessage, 'headers'>;

/** A page of another site asks for something that changes or stalls the broker. */
const FOREIGN_ORIGIN = refusal(403, 'FOREIGN_ORIGIN');
/** The request is for a name that this machine does not have. */
const FOREIGN_HOST = refusal(403, 'FOREIGN_HOST');

/** A page of the broker's own, or the user. What else a browser may say is another site. */
const OWN_SITES: ReadonlySet<unknown> = new Set(['same-origin', 'none']);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const NO_HOSTS: ReadonlySet<string> = new Set();
const PORT = /:(\d*)$/;
const LOCAL_SUFFIX = '.localhost';

/**
 * Why a request must not be carried out that changes something; undefined for one that no other site has sent.
 * `pageHosts`: names of this site by which a proxy is asked, whatever it asks for then.
 */
export function originRefusal(
  { headers }: Asked,
  pageHosts: ReadonlySet<string> = NO_HOSTS,
): Answer | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !OWN_SITES.has(site)) return FOREIGN_ORIGIN;
  const { origin } = headers;
  if (origin === undefined || isOrigin(origin, headers.host)) return undefined;
  const isTrusted = URL.canParse(origin) && pageHosts.has(new URL(origin).hostname);
  return isTrusted ? undefined : FOREIGN_ORIGIN;
}

/** Why a request must not be answered where only this machine asks, whose names these are besides its own. */
export function hostRefusal(
  { headers: { host } }: Asked,
  names: ReadonlySet<string>,
): Answer | undefined {
  // Clients of HTTP/1.0 may say nothing, and browsers never do that.
  if (host === undefined || host === '') return undefined;
  const name = hostName(host);
  // No attacker can make an address point elsewhere, or register a name of one word.
  if (isIP(name) !== 0 || !name.includes('.') || name.endsWith(LOCAL_SUFFIX)) return undefined;
  return names.has(name) ? undefined : FOREIGN_HOST;
}

/** A host without its port, without brackets, and without what makes no difference. */
export function hostName(host: string): string {
  const name = host.toLowerCase().replace(PORT, '').replace(/\.$/, '');
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}

/** Whether an origin, of either scheme, is what the request was sent to. Shape: `<scheme>://<host>[:<port>]`. */
function isOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, hostname, port } = new URL(origin);
  const defaultPort = DEFAULT_PORTS[protocol];
  if (defaultPort === undefined) return false;
  const asked = PORT.exec(host)?.[1] || defaultPort;
  const name = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return name === hostName(host) && (port || defaultPort) === asked;
}
