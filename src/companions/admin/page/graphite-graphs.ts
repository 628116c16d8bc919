/**
 * Addresses of graphite's graphs of a topic or a channel, over all brokers.
 *
 * Source: nsqadmin's page, by the names under which nsqd sends its figures to statsd.
 */

import type { AdminOptions } from '../admin-options.ts';

type Options = Pick<
  AdminOptions,
  | 'graphiteUrl'
  | 'proxyGraphite'
  | 'statsdCounterFormat'
  | 'statsdGaugeFormat'
  | 'statsdPrefix'
  | 'statsdIntervalMs'
>;

/** One graph. */
export type Graph = { readonly label: string; readonly url: string };

/** A figure as nsqd names it in statsd. */
type Figure = { readonly name: string; readonly label: string; readonly isCounter: boolean };

const MS_PER_SECOND = 1000;
const DEPTH: Figure = { name: 'depth', label: 'Waiting', isCounter: false };
const PUBLISHED: Figure = { name: 'message_count', label: 'Messages', isCounter: true };
const TOPIC_FIGURES: readonly Figure[] = [
  DEPTH,
  { name: 'backend_depth', label: 'On disk', isCounter: false },
  PUBLISHED,
];
const CHANNEL_FIGURES: readonly Figure[] = [
  DEPTH,
  { name: 'in_flight_count', label: 'In flight', isCounter: false },
  { name: 'deferred_count', label: 'Deferred', isCounter: false },
  { name: 'requeue_count', label: 'Requeued', isCounter: true },
  { name: 'timeout_count', label: 'Timed out', isCounter: true },
  { name: 'clients', label: 'Consumers', isCounter: false },
  PUBLISHED,
];

/** None without `--graphite-url`. `base`: the path in front of all paths, for graphs that admin passes on. */
export function graphiteGraphs(
  options: Options,
  base: string,
  topic: string,
  channel: string | undefined,
): Graph[] {
  const { graphiteUrl, proxyGraphite } = options;
  if (!/^https?:/.test(graphiteUrl)) return [];
  const place = proxyGraphite ? base : graphiteUrl.replace(/\/+$/, '');
  const figures = channel === undefined ? TOPIC_FIGURES : CHANNEL_FIGURES;
  const queue = `topic.${statsdName(topic)}${channel === undefined ? '' : `.channel.${statsdName(channel)}`}`;
  return figures.map((figure) => {
    const query = new URLSearchParams({
      target: targetOf(options, queue, figure),
      from: '-2h',
      until: '-1min',
      width: '800',
      height: '450',
    });
    return { label: figure.label, url: `${place}/render?${query}` };
  });
}

/** The sum over all brokers; counters as a rate. */
function targetOf(options: Options, queue: string, { name, isCounter }: Figure): string {
  const { statsdPrefix, statsdCounterFormat, statsdGaugeFormat, statsdIntervalMs } = options;
  const prefix = statsdPrefix.replaceAll('%s', '*').replace(/\.?$/, '.');
  const format = (isCounter ? statsdCounterFormat : statsdGaugeFormat) || '%s';
  const seconds = Math.trunc(statsdIntervalMs / MS_PER_SECOND);
  const key = format.replaceAll('%s', `${prefix}${queue}.${name}`);
  const sum = `summarize(sumSeries(${key}),"${seconds}sec","avg")`;
  return isCounter ? `scale(${sum},${1 / seconds})` : sum;
}

/** A name as the part of a key: nsqadmin drops the hash of `#ephemeral`. */
function statsdName(name: string): string {
  return name
    .replaceAll(' ', '_')
    .replaceAll('/', '-')
    .replaceAll(/[^\w.-]/g, '');
}
