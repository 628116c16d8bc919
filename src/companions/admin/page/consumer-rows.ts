/**
 * The consumers of a channel, read from the `/stats` of its nodes.
 *
 * Thread: any (pure).
 */

import { listOf, type Members, numberOf, textOf } from '../upstream-values.ts';

/** A consumer, as the page shows it. */
type ConsumerRow = {
  readonly client: string;
  readonly host: string;
  readonly address: string;
  readonly agent: string;
  readonly state: string;
  readonly ready: number;
  readonly inFlight: number;
  readonly delivered: number;
  readonly finished: number;
  readonly requeued: number;
  readonly ageMs: number;
  /** Compression, TLS, sampling and identity, as far as it has them. */
  readonly layers: readonly string[];
  readonly broker: string;
};

const MS_PER_SECOND = 1000;
/** The state of a client that takes no more messages. Source: nsqd `stateClosing`. */
const CLOSING = 4;

/** The consumers in an answer of `/stats` about one channel. Units: `nowS` in Unix seconds. */
export function consumerRows(
  answer: Members,
  { topic, channel }: { readonly topic: string; readonly channel: string },
  broker: string,
  nowS: number,
): ConsumerRow[] {
  return listOf(answer['topics'])
    .filter((one) => textOf(one['topic_name']) === topic)
    .flatMap((one) => listOf(one['channels']))
    .filter((one) => textOf(one['channel_name']) === channel)
    .flatMap((one) => listOf(one['clients']))
    .map((client) => consumerRow(client, broker, nowS));
}

function consumerRow(client: Members, broker: string, nowS: number): ConsumerRow {
  return {
    client: textOf(client['client_id']),
    host: textOf(client['hostname']),
    address: textOf(client['remote_address']),
    agent: textOf(client['user_agent']),
    state: client['state'] === CLOSING ? 'closing' : 'subscribed',
    ready: numberOf(client['ready_count']),
    inFlight: numberOf(client['in_flight_count']),
    delivered: numberOf(client['message_count']),
    finished: numberOf(client['finish_count']),
    requeued: numberOf(client['requeue_count']),
    ageMs: Math.max(0, nowS - numberOf(client['connect_ts'])) * MS_PER_SECOND,
    layers: layersOf(client),
    broker,
  };
}

function layersOf(client: Members): string[] {
  const sampleRate = numberOf(client['sample_rate']);
  const identity = textOf(client['auth_identity']);
  return [
    ...(client['tls'] === true ? [textOf(client['tls_version']) || 'TLS'] : []),
    ...(client['snappy'] === true ? ['snappy'] : []),
    ...(client['deflate'] === true ? ['deflate'] : []),
    ...(sampleRate > 0 ? [`${sampleRate} % sample`] : []),
    ...(identity === '' ? [] : [`as ${identity}`]),
    ...zonesOf(client),
  ];
}

function zonesOf(client: Members): string[] {
  const zone = textOf(client['topology_zone']);
  return zone === '' ? [] : [`zone ${zone}`];
}
