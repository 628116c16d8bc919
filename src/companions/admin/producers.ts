/**
 * Producers: the nodes that nsqlookupds, or the nodes themselves, report.
 *
 * Thread: any (pure).
 * Source: nsq `clusterinfo.Producer`, semver as blang/semver reads it.
 */

import { joinHostPort } from '../../daemon/host-port.ts';
import { sortedByHost } from './queue-stats.ts';
import { listOf, type Members, numberOf, textOf, textsOf } from './upstream-values.ts';

/** A node. Shape: as in nsqadmin's JSON. */
export type Producer = {
  remote_addresses: string[] | null;
  readonly remote_address: string;
  readonly hostname: string;
  readonly broadcast_address: string;
  readonly tcp_port: number;
  readonly http_port: number;
  readonly version: string;
  readonly topology_zone?: string;
  readonly topology_region?: string;
  readonly topics: readonly { readonly topic: string; readonly tombstoned: boolean }[] | null;
  out_of_date: boolean;
};

const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const NO_REMOTE = 'N/A';

/** `<broadcast address>:<HTTP port>`, which identifies a node. */
export function httpAddress(producer: Producer): string {
  return joinHostPort(producer.broadcast_address, producer.http_port);
}

/** A node as nsqlookupd lists it. */
export function listedProducer(given: Members): Producer {
  const tombstones = Array.isArray(given['tombstones']) ? given['tombstones'] : [];
  const topics = textsOf(given['topics']).map((topic, at) => {
    return { topic, tombstoned: tombstones[at] === true };
  });
  return producer(given, textOf(given['remote_address']), topics);
}

/** A node as it describes itself; `topics` are the names of its topics. */
export function ownProducer(given: Members, topics: readonly string[]): Producer {
  return producer(
    given,
    '',
    topics.map((topic) => ({ topic, tombstoned: false })),
  );
}

/** All nodes of several nsqlookupds without duplicates, and which nsqlookupds list each. */
export function mergeListed(
  lists: readonly { readonly address: string; readonly producers: readonly Producer[] }[],
): Producer[] {
  const byAddress = new Map<string, Producer>();
  for (const { address, producers } of lists) {
    for (const one of producers) {
      const key = joinHostPort(one.broadcast_address, one.tcp_port);
      const known = byAddress.get(key) ?? one;
      byAddress.set(key, known);
      known.remote_addresses ??= [];
      known.remote_addresses.push(`${address}/${one.remote_address || NO_REMOTE}`);
    }
  }
  const all = [...byAddress.values()];
  const newest = all.reduce(
    (best, { version }) => (compareVersions(best, version) < 0 ? version : best),
    '',
  );
  for (const one of all) one.out_of_date = compareVersions(one.version, newest) < 0;
  return sortedByHost(all);
}

/** The topics of a node, from the answer of `/stats`. */
export function topicNamesOf(answer: Members): string[] {
  return listOf(answer['topics']).map((topic) => textOf(topic['topic_name']));
}

/** Negative if `a` is older. An invalid version counts as 0.0.0. */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [VERSION.exec(a), VERSION.exec(b)];
  for (const at of [1, 2, 3]) {
    const difference = Number(first?.[at] ?? 0) - Number(second?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return comparePrereleases(first?.[4], second?.[4]);
}

/** A release is newer than its pre-releases. */
function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [left, right] = [a.split('.'), b.split('.')];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    if (left[at] === right[at]) continue;
    const [isLeft, isRight] = [/^\d+$/.test(left[at]), /^\d+$/.test(right[at])];
    if (isLeft && isRight) return Number(left[at]) - Number(right[at]);
    if (isLeft !== isRight) return isLeft ? -1 : 1;
    return left[at] < right[at] ? -1 : 1;
  }
  return left.length - right.length;
}

function producer(
  given: Members,
  remoteAddress: string,
  topics: readonly { readonly topic: string; readonly tombstoned: boolean }[],
): Producer {
  const zone = textOf(given['topology_zone']);
  const region = textOf(given['topology_region']);
  return {
    remote_addresses: null,
    remote_address: remoteAddress,
    hostname: textOf(given['hostname']),
    broadcast_address: textOf(given['broadcast_address']),
    tcp_port: numberOf(given['tcp_port']),
    http_port: numberOf(given['http_port']),
    version: textOf(given['version']),
    ...(zone !== '' && { topology_zone: zone }),
    ...(region !== '' && { topology_region: region }),
    topics:
      topics.length === 0
        ? null
        : topics.toSorted((a, b) => (a.topic === b.topic ? 0 : a.topic < b.topic ? -1 : 1)),
    out_of_date: false,
  };
}
