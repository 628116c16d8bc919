/**
 * `ringmq to-http`: makes an HTTP request for each message; replaces nsq_to_http.
 *
 * A message is finished when the server has accepted it; otherwise it is requeued, and consuming pauses longer with
 * each failure.
 *
 * Thread: main.
 * Source: nsq `apps/nsq_to_http`.
 */

import { createSecureContext } from 'node:tls';
import type { HttpClientTls } from '../../daemon/http-client.ts';
import { atLeast } from '../../daemon/options/option-checks.ts';
import {
  boolean,
  duration,
  float,
  integer,
  text,
  texts,
} from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import { errorText } from '../../shared/error-text.ts';
import { clientTls, clientTlsMistake } from '../client-tls.ts';
import { DONE_CODE } from '../companion.ts';
import { MAX_IN_FLIGHT, SOURCE_TABLE } from './consumer-flags.ts';
import { Destinations, POOL_MODES, STATUS_EVERY, warnOfMode } from './destinations.ts';
import { HTTP_CLIENT_TABLE } from './http-json.ts';
import { HttpSender } from './http-sender.ts';
import { Source } from './source.ts';
import { Fatal, positive, type ToolValues, tool } from './tool.ts';

const ORIGINAL = 'nsq_to_http';
const CONTENT_TYPE = 'application/octet-stream';
const MULTICAST = 'multicast';

const TABLE = {
  ...SOURCE_TABLE,
  topic: option(text, 'Source', 'topic', '', 'nsq topic'),
  channel: option(text, 'Source', 'channel', ORIGINAL, 'nsq channel'),
  maxInFlight: MAX_IN_FLIGHT,
  sample: option(
    float,
    'Source',
    'sample',
    1,
    'share of messages to publish, 0 to 1; the others are finished',
    (value) =>
      value >= 0 && value <= 1 ? undefined : 'ERROR: --sample must be between 0.0 and 1.0',
  ),
  posts: option(
    texts,
    'HTTP',
    'post',
    [],
    'HTTP address to make a POST request to; the message is the body (may be given multiple times)',
  ),
  gets: option(
    texts,
    'HTTP',
    'get',
    [],
    'HTTP address to make a GET request to; the message replaces %s (may be given ' +
      'multiple times)',
  ),
  headers: option(
    texts,
    'HTTP',
    'header',
    [],
    'header of requests as "Name: value" (may be given multiple times)',
  ),
  contentType: option(
    text,
    'HTTP',
    'content-type',
    CONTENT_TYPE,
    'the Content-Type used for POST requests',
  ),
  mode: option(
    text,
    'HTTP',
    'mode',
    'hostpool',
    'which address gets a message: round-robin, hostpool, epsilon-greedy; any other word, such ' +
      'as multicast, sends each message to all',
  ),
  concurrency: option(integer, 'HTTP', 'n', 100, 'number of requests at the same time', atLeast(1)),
  ...HTTP_CLIENT_TABLE,
  requestTimeoutMs: option(
    duration,
    'HTTP',
    'http-client-request-timeout',
    20_000,
    'timeout for HTTP request',
    positive,
  ),
  httpClientTlsRootCaFile: option(
    text,
    'HTTP',
    'http-client-tls-root-ca-file',
    '',
    "file with the authorities, in PEM, that verify https servers (default: Node's)",
  ),
  httpClientTlsCert: option(
    text,
    'HTTP',
    'http-client-tls-cert',
    '',
    'file with the client certificate, in PEM, for https servers',
  ),
  httpClientTlsKey: option(
    text,
    'HTTP',
    'http-client-tls-key',
    '',
    'file with its private key, in PEM',
  ),
  httpClientTlsInsecureSkipVerify: option(
    boolean,
    'HTTP',
    'http-client-tls-insecure-skip-verify',
    false,
    'accept every certificate of https servers',
  ),
  statusEvery: STATUS_EVERY,
};

type Values = ToolValues<typeof TABLE>;

/** `ringmq to-http`. */
export const runToHttp = tool({
  name: 'to-http',
  original: ORIGINAL,
  does: 'Makes an HTTP request for each message of a topic',
  examples: [
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 --post=http://127.0.0.1:8080/orders',
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 --post=https://internal/orders ' +
      '--http-client-tls-root-ca-file=/etc/ssl/intern.pem',
    '--topic=orders --lookupd-http-address=127.0.0.1:4161 --get="http://127.0.0.1:8080/?order=%s"',
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 --post=http://a/ --post=http://b/ ' +
      '--mode=multicast --header="Authorization: Bearer 1234" --content-type=application/json',
  ],
  table: TABLE,
  run: async ({ values, clock, stopped, log }) => {
    const { topic, channel, maxInFlight, sample, posts, gets, mode, statusEvery } = values;
    const headers = checkedHeaders(values);
    if (topic === '' || channel === '') throw new Fatal('--topic and --channel are required');
    checkContentType(values);
    const source = new Source({
      original: ORIGINAL,
      topics: [topic],
      channel,
      maxInFlight,
      values,
      log,
    });
    checkAddresses(values);
    warnOfMode(mode, [...POOL_MODES, MULTICAST], MULTICAST, log);
    const tls = await checkedTls(values);
    const isPost = posts.length > 0;
    const { connectTimeoutMs, requestTimeoutMs, concurrency } = values;
    const sender = await HttpSender.open({
      method: isPost ? 'POST' : 'GET',
      headers,
      connectTimeoutMs,
      requestTimeoutMs,
      connectionsMax: concurrency,
      tls,
      clock,
    });
    const destinations = new Destinations({
      addresses: isPost ? posts : gets,
      mode: POOL_MODES.find((known) => known === mode) ?? 'all',
      statusEvery,
      clock,
      log,
      send: (address, _, body) => sender.send(address, body),
    });
    source.start(
      () => (message) => {
        if (sample < 1 && Math.random() > sample) return undefined;
        return destinations.send(topic, message.body);
      },
      concurrency,
    );
    try {
      await source.runUntil(stopped);
      return DONE_CODE;
    } finally {
      await sender.close();
    }
  },
});

/** Errors: throws a `Fatal`. */
function checkedHeaders({ headers, posts, contentType }: Values): Record<string, string> {
  const all = new Map<string, string>([['user-agent', `${ORIGINAL} v${NSQD_VERSION}`]]);
  if (posts.length > 0) all.set('content-type', contentType);
  for (const header of headers) {
    const colon = header.indexOf(':');
    const name = header.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = header.slice(colon + 1).trim();
    if (name === '' || value === '') {
      throw new Fatal("--header value format should be 'Name: value'");
    }
    all.set(name, value);
  }
  return Object.fromEntries(all);
}

function checkContentType({ contentType, posts }: Values): void {
  if (contentType === CONTENT_TYPE) return;
  if (posts.length === 0) throw new Fatal('--content-type only used with --post');
  if (contentType === '') throw new Fatal('--content-type requires a value when used');
}

function checkAddresses({ posts, gets }: Values): void {
  if (gets.length === 0 && posts.length === 0) throw new Fatal('--get or --post required');
  if (gets.length > 0 && posts.length > 0) throw new Fatal('use --get or --post not both');
  if (gets.some((address) => address.split('%s').length !== 2)) {
    throw new Fatal('invalid GET address - must be a printf string');
  }
  for (const address of [...posts, ...gets]) {
    if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) {
      throw new Fatal(`invalid HTTP address ${address}: write for example http://127.0.0.1:8080/`);
    }
  }
}

/** Errors: rejects with a `Fatal`. */
async function checkedTls(values: Values): Promise<HttpClientTls> {
  const mistake = clientTlsMistake(values);
  if (mistake !== undefined) throw new Fatal(mistake);
  try {
    const tls = await clientTls(values);
    createSecureContext(tls);
    return tls;
  } catch (error) {
    throw new Fatal(errorText(error));
  }
}
