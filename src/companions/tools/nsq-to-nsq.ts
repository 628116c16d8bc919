/**
 * `ringmq nsq-to-nsq`: publishes the messages of topics to other brokers; replaces nsq_to_nsq.
 *
 * A message is finished when a destination has accepted it; otherwise it is requeued.
 *
 * Thread: main.
 * Source: nsq `apps/nsq_to_nsq`.
 */

import { parseAddress } from '../../client/address.ts';
import { type Message, type NsqError, Producer } from '../../client/client.ts';
import { text, texts } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseChannelName, parseTopicName } from '../../shared/names.ts';
import { DONE_CODE } from '../companion.ts';
import { MAX_IN_FLIGHT, PRODUCER_OPTS, producerOptions, SOURCE_TABLE } from './consumer-flags.ts';
import { Destinations, POOL_MODES, STATUS_EVERY, warnOfMode } from './destinations.ts';
import { JsonFilter } from './json-filter.ts';
import { Source } from './source.ts';
import { Fatal, type ToolCall, type ToolValues, tool, userAgentOf } from './tool.ts';

const ORIGINAL = 'nsq_to_nsq';
/** A destination that does not answer for this long has failed; the message is requeued. */
const PUBLISH_MS = 5000;
const RECONNECT_MS = 1000;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|::1)$/i;

const TABLE = {
  ...SOURCE_TABLE,
  topics: option(texts, 'Source', 'topic', [], 'nsq topic (may be given multiple times)'),
  channel: option(text, 'Source', 'channel', ORIGINAL, 'nsq channel'),
  maxInFlight: MAX_IN_FLIGHT,
  requiredField: option(
    text,
    'Filter',
    'require-json-field',
    '',
    'for JSON messages: only pass messages that contain this field',
  ),
  requiredValue: option(
    text,
    'Filter',
    'require-json-value',
    '',
    'for JSON messages: only pass messages in which the required field has this value',
  ),
  fields: option(
    texts,
    'Filter',
    'whitelist-json-field',
    [],
    'for JSON messages: pass this field (may be given multiple times)',
  ),
  destinations: option(
    texts,
    'Destination',
    'destination-nsqd-tcp-address',
    [],
    'destination nsqd TCP address (may be given multiple times)',
  ),
  destinationTopic: option(
    text,
    'Destination',
    'destination-topic',
    '',
    'use this destination topic for all consumed topics (default is consumed topic name)',
  ),
  mode: option(
    text,
    'Destination',
    'mode',
    'hostpool',
    'which destination gets a message: round-robin, hostpool, epsilon-greedy',
  ),
  producerOpts: PRODUCER_OPTS,
  statusEvery: STATUS_EVERY,
};

type Values = ToolValues<typeof TABLE>;

/** `ringmq nsq-to-nsq`. */
export const runNsqToNsq = tool({
  name: 'nsq-to-nsq',
  original: ORIGINAL,
  does: 'Publishes the messages of topics to other brokers',
  examples: [
    '--topic=orders --nsqd-tcp-address=10.0.0.1:4150 --destination-nsqd-tcp-address=10.1.0.1:4150',
    '--topic=orders --lookupd-http-address=10.0.0.9:4161 --destination-topic=paid ' +
      '--destination-nsqd-tcp-address=10.1.0.1:4150 --require-json-field=state ' +
      '--require-json-value=paid --whitelist-json-field=id --whitelist-json-field=total',
  ],
  table: TABLE,
  run: async (call) => {
    const { values, stopped, log } = call;
    checkNames(values);
    const { topics, channel, maxInFlight, destinationTopic } = values;
    const source = new Source({ original: ORIGINAL, topics, channel, maxInFlight, values, log });
    if (values.destinations.length === 0) {
      throw new Fatal('--destination-nsqd-tcp-address required');
    }
    checkFilter(values);
    refuseCircles(values, values.nsqdAddresses);
    warnOfMode(values.mode, POOL_MODES, 'round-robin', log);
    const producers = producersOf(call);
    const destinations = destinationsOf(call, producers);
    const filter = new JsonFilter(values);
    const pass = (topic: string, message: Message): Promise<void> | undefined => {
      const filtered = filter.filter(message.body);
      if (Buffer.isBuffer(filtered)) return destinations.send(topic, filtered);
      if (filtered === 'no object') log(`ERROR: Unable to decode json: ${message.body}`);
      if (filtered === 'no field') {
        log('ERROR: missing field to check required value');
        throw new Error('backoff');
      }
      return undefined;
    };
    source.onConnect((address) => refuseCircles(values, [address]));
    source.start((topic) => {
      const target = destinationTopic === '' ? topic : destinationTopic;
      return (message) => pass(target, message);
    }, maxInFlight);
    try {
      await source.runUntil(Promise.race([stopped, strangers(producers)]));
      return DONE_CODE;
    } finally {
      const closing = [...producers.values()].map((producer) => producer.close({ deadlineMs: 0 }));
      await Promise.all(closing);
    }
  },
});

function checkFilter({ requiredField, requiredValue, fields }: Values): void {
  if (requiredValue !== '' && requiredField === '') {
    throw new Fatal('--require-json-value needs --require-json-field, which names the field');
  }
  if (fields.includes('')) throw new Fatal('--whitelist-json-field names no field');
}

/**
 * The consumed topics whose messages would return to where they were consumed, forever. A required field may end
 * that, because a message can be published without it.
 */
function circledTopics({ topics, destinationTopic, requiredField }: Values): readonly string[] {
  if (requiredField !== '') return [];
  return destinationTopic === '' ? topics : topics.filter((topic) => topic === destinationTopic);
}

/** Errors: throws a `Fatal` if a broker is both source and destination of a topic. */
function refuseCircles(values: Values, sources: readonly string[]): void {
  const [topic] = circledTopics(values);
  if (topic === undefined) return;
  const targets = new Set(values.destinations.map(placeOf));
  const both = sources.find((address) => targets.has(placeOf(address)));
  if (both === undefined) return;
  throw new Fatal(
    `${both} is source and destination of ${topic}, so its messages would go round in circles; ` +
      'choose another broker or --destination-topic',
  );
}

/** An address in the form that other spellings of it have too. */
function placeOf(address: string): string {
  const { host, port } = parseAddress(address, 'nsqd');
  return LOOPBACK.test(host) ? `loopback:${port}` : `${host.toLowerCase()}:${port}`;
}

function checkNames({ topics, channel, destinationTopic }: Values): void {
  if (topics.length === 0 || channel === '') throw new Fatal('--topic and --channel are required');
  if (topics.some((topic) => parseTopicName(topic) === undefined)) {
    throw new Fatal('--topic is invalid');
  }
  if (destinationTopic !== '' && parseTopicName(destinationTopic) === undefined) {
    throw new Fatal('--destination-topic is invalid');
  }
  if (parseChannelName(channel) === undefined) throw new Fatal('--channel is invalid');
}

function producersOf({ values, log }: ToolCall<typeof TABLE>): ReadonlyMap<string, Producer> {
  const options = producerOptions(values.producerOpts);
  return new Map(
    values.destinations.map((address) => {
      const producer = new Producer({
        userAgent: userAgentOf(ORIGINAL),
        ...options,
        nsqd: [address],
        timeoutMs: PUBLISH_MS,
        maxReconnectMs: RECONNECT_MS,
        // The source redelivers the message.
        resendAfterLoss: false,
      });
      producer.on('error', (error) => log(`(${address}) ${errorText(error)}`));
      return [address, producer];
    }),
  );
}

/**
 * Connects to all destinations, so that a wrong one is known before the first message. Only rejects: with a `Fatal`, if
 * what answers is not a broker. One that is down may come back.
 */
function strangers(producers: ReadonlyMap<string, Producer>): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const producer of producers.values()) {
    producer.connect().catch((error: NsqError) => {
      if (error.code === 'PROTOCOL_ERROR') reject(new Fatal(errorText(error)));
    });
  }
  return promise;
}

function destinationsOf(
  { values, clock, log }: ToolCall<typeof TABLE>,
  producers: ReadonlyMap<string, Producer>,
): Destinations {
  const { destinations, mode, statusEvery } = values;
  return new Destinations({
    addresses: destinations,
    // As in the original, any other word is round-robin.
    mode: POOL_MODES.find((known) => known === mode) ?? 'round-robin',
    statusEvery,
    clock,
    log,
    send: async (address, topic, body) => {
      const producer = producers.get(address);
      // A destination that is down fails at once, so that another one gets the next message.
      await producer?.connect();
      await producer?.publish(topic, body);
    },
  });
}
