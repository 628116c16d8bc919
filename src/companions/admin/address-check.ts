/**
 * Checks once whether the servers in the options are of the kind that the options say. Otherwise a wrong port would be
 * noticed only when somebody opens the page.
 *
 * Thread: main.
 */

import { parseJson } from '../../daemon/go/json.ts';
import { isStranger, strangerText } from '../../shared/wrong-port.ts';
import { failureOf, type Upstream } from './upstream.ts';
import { membersOf } from './upstream-values.ts';

/** A kind of server, with a request that only this kind answers. */
type Kind = {
  readonly flag: string;
  readonly name: 'nsqd' | 'nsqlookupd';
  readonly path: string;
  readonly member: string;
};

const LOOKUPD: Kind = {
  flag: '--lookupd-http-address',
  name: 'nsqlookupd',
  path: '/topics',
  member: 'topics',
};
const NSQD: Kind = {
  flag: '--nsqd-http-address',
  name: 'nsqd',
  path: '/info',
  member: 'tcp_port',
};

/** Resolves with a sentence for each address that cannot be used now. */
export async function wrongAddresses(
  upstream: Pick<Upstream, 'poll'>,
  { lookupd, nsqd }: { readonly lookupd: readonly string[]; readonly nsqd: readonly string[] },
): Promise<string[]> {
  const asked = [
    ...lookupd.map((address) => mistakeAt(upstream, LOOKUPD, address)),
    ...nsqd.map((address) => mistakeAt(upstream, NSQD, address)),
  ];
  return (await Promise.all(asked)).flat();
}

async function mistakeAt(
  upstream: Pick<Upstream, 'poll'>,
  { flag, name, path, member }: Kind,
  address: string,
): Promise<string[]> {
  const told = (why: string): string => `${flag} ${address}: ${why}`;
  try {
    const answer = parseJson((await upstream.poll(name, `http://${address}${path}`)).toString());
    if (answer !== undefined && member in membersOf(answer)) return [];
    return [told(strangerText(path, name))];
  } catch (error) {
    return failureOf(error).map((why) =>
      told(isStranger(404, why.replaceAll('\\', '')) ? strangerText(path, name) : why),
    );
  }
}
