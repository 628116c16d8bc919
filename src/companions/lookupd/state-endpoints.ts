/**
 * The version of this nsqlookupd, `/info`, and all its state, `/debug`.
 *
 * Thread: main.
 * Source: nsqlookupd `http.go`.
 */

import { goJson } from '../../daemon/go/go-text.ts';
import { jsonAnswer, resultHeaders } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { LargeAnswers } from '../../daemon/http/large-answers.ts';
import type { Route } from '../../daemon/http/router.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import { type Producer, topologyOf } from './producer.ts';
import type { ProducerSet } from './producer-set.ts';
import type { Registrations, Topic } from './registrations.ts';

type Setup = {
  readonly registrations: Registrations;
  readonly answers: LargeAnswers;
};

/** Go's zero time in ns since 1970, as far as 64 bits hold it. */
const NEVER_NS = -6_795_364_578_871_345_152n;
const DUMP_HEADERS = resultHeaders('json');

/** The endpoints. */
export function stateRoutes({ registrations, answers }: Setup): Route[] {
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  return [
    get('/info', (exchange) => exchange.answer(jsonAnswer({ version: NSQD_VERSION }))),
    get('/debug', (exchange) => {
      answers.add(exchange, {
        key: '/debug',
        headers: DUMP_HEADERS,
        ask: async () => dumpText(registrations),
      });
    }),
  ];
}

/** All registrations that have producers. */
function* dumpText(registrations: Registrations): Iterable<string> {
  const clients = [...registrations.producers()].map((producer) => producerJson(producer, null));
  yield clients.length === 0 ? '{' : `{"client::":[${clients.join(',')}]`;
  let separator = clients.length === 0 ? '' : ',';
  for (const topic of registrations.topics.values()) {
    for (const [key, producers] of keysOf(topic)) {
      if (producers.size === 0) continue;
      const list = [...registrations.producersOf({ producers })].map((producer) =>
        producerJson(producer, key.startsWith('topic:') ? topic : null),
      );
      yield `${separator}"${key}":[${list.join(',')}]`;
      separator = ',';
    }
  }
  yield '}';
}

function* keysOf(topic: Topic): Iterable<[key: string, producers: ProducerSet]> {
  if (topic.producers !== null) yield [`topic:${topic.name}:`, topic.producers];
  for (const [channel, producers] of topic.channels) {
    yield [`channel:${topic.name}:${channel}`, producers];
  }
}

/** Only a topic can have a tombstone, which stays here after it has expired. */
function producerJson(producer: Producer, topic: Topic | null): string {
  const { info, lastUpdateNs } = producer;
  const tombstone = topic?.tombstones?.get(producer);
  const json = goJson({
    broadcast_address: info.broadcastAddress,
    hostname: info.hostname,
    http_port: info.httpPort,
    id: info.remoteAddress,
    tcp_port: info.tcpPort,
    tombstoned: tombstone !== undefined,
    ...topologyOf(info),
    version: info.version,
  });
  // A JavaScript number cannot hold these.
  const times = `"last_update":${lastUpdateNs},"tombstoned_at":${tombstone?.atNs ?? NEVER_NS}`;
  return `${json.slice(0, -1)},${times}}`;
}
