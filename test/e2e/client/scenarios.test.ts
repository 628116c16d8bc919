/** What users of other clients rely on, with a broker: pauses after failures, and the end of a consumer. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Authority, makeCertificate } from '../../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../../scripts/kit/broker.ts';
import { Consumer } from '../../../src/client/consumer.ts';
import type { ConsumerOptions } from '../../../src/client/consumer-options.ts';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { Producer } from '../../../src/client/producer.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { type ChannelStats, channelStats } from '../../support/broker-stats.ts';
import { TlsSite } from '../../support/tls-site.ts';

const LIMIT = { timeout: 120_000 };

/** A broker, with a producer and a consumer that are closed in the end. */
async function siteOf(
  t: TestContext,
  options: Partial<ConsumerOptions>,
): Promise<{ broker: BrokerProcess; producer: Producer; consumer: Consumer }> {
  const broker = await new BrokerSite(t).start();
  const nsqd = [`127.0.0.1:${broker.tcpPort}`];
  const producer = new Producer({ nsqd });
  // the broker's end is told as an error
  producer.on('error', () => undefined);
  const consumer = new Consumer({ topic: 't', channel: 'c', nsqd, jitter: 0, ...options });
  t.after(() => Promise.all([producer.close(), consumer.close()]));
  return { broker, producer, consumer };
}

/** The numbers of the channel that say where messages are. */
function places(stats: ChannelStats | undefined): unknown {
  const { depth, in_flight_count, deferred_count, requeue_count, client_count } = stats ?? {};
  return { depth, in_flight_count, deferred_count, requeue_count, client_count };
}

test(
  'client: after failures one message is tried, longer each time, then all flows',
  LIMIT,
  async (t) => {
    const { producer, consumer } = await siteOf(t, { backoffMs: 10, requeueDelayMs: 1 });
    const story: string[] = [];
    consumer.on('backoff', (level, delayMs) => story.push(`level ${level}: ${delayMs} ms`));
    consumer.on('resume', () => story.push('resume'));

    await producer.publish('t', 'fails twice');
    await consumer.run(async (message) => {
      story.push(`${message.text()}, attempt ${message.attempts}`);
      if (message.text() === 'good') void consumer.close();
      else if (message.attempts < 3) throw new Error('no');
      else await producer.publish('t', 'good');
    });

    assert.deepEqual(story, [
      'fails twice, attempt 1',
      'level 1: 20 ms',
      'fails twice, attempt 2',
      'level 2: 40 ms',
      'fails twice, attempt 3',
      'level 1: 20 ms',
      'good, attempt 1',
    ]);
  },
);

test(
  'client: a consumer that is closed while it pauses ends at once, and loses nothing',
  LIMIT,
  async (t) => {
    const options = { backoffMs: 60_000, requeueDelayMs: 600_000 };
    const { broker, producer, consumer } = await siteOf(t, options);
    let count = 0;
    consumer.once('backoff', () => void consumer.close());

    await producer.publish('t', 'x');
    await consumer.run(() => {
      count++;
      throw new Error('no');
    });

    assert.equal(count, 1);
    assert.deepEqual(places(await channelStats(broker, 't', 'c')), {
      depth: 0,
      in_flight_count: 0,
      deferred_count: 1,
      requeue_count: 1,
      client_count: 0,
    });
  },
);

test('client: when a consumer is closed its answers are with the broker', LIMIT, async (t) => {
  const { broker, producer, consumer } = await siteOf(t, { maxInFlight: 50 });
  const bodies = Array.from({ length: 100 }, (_, index) => `${index}`);
  await producer.publishMany('t', bodies);
  const { promise: isClosing, resolve: onClosing } = Promise.withResolvers<void>();
  let begun = 0;
  let done = 0;

  await consumer.run(
    async () => {
      begun++;
      if (begun === 60) {
        void consumer.close();
        onClosing();
      }
      // the last twenty end after the order to close
      if (begun > 40) await isClosing;
      done++;
    },
    { concurrency: 20 },
  );
  const stats = await channelStats(broker, 't', 'c');

  assert.equal(done, begun);
  assert.deepEqual([stats?.in_flight_count, stats?.client_count], [0, 0]);
  assert.equal(stats?.depth, bodies.length - done);
});

test(
  'client: a broker that is killed while a consumer closes does not keep it',
  LIMIT,
  async (t) => {
    const { broker, producer, consumer } = await siteOf(t, {});
    consumer.on('error', () => undefined);
    await producer.publish('t', 'x');

    await consumer.run(async () => {
      void consumer.close();
      await broker.kill();
    });

    assert.equal(consumer.stats().connectionCount, 0);
    assert.equal(consumer.stats().inFlightCount, 0);
  },
);

test('client: a broker may ask for a certificate', LIMIT, async (t) => {
  const site = new TlsSite(t);
  const authority = new Authority({ commonName: 'clients', isAuthority: true });
  const mine = makeCertificate({ commonName: 'worker', issuer: authority });
  const broker = await site.start(
    '--tls-client-auth-policy=require-verify',
    `--tls-root-ca-file=${site.write('clients.pem', authority.cert)}`,
  );
  const nsqd = [`127.0.0.1:${broker.tcpPort}`];
  const tls = { ca: site.certificate.cert, servername: 'localhost' };
  const { cert, key } = mine;
  const known = new Producer({ nsqd, tls: { ...tls, cert, key } });
  const unknown = new Producer({ nsqd, tls, timeoutMs: 2000 });
  for (const producer of [known, unknown]) producer.on('error', () => undefined);
  t.after(() => Promise.all([known.close(), unknown.close({ deadlineMs: 0 })]));
  const bodies: string[] = [];

  await known.publish('t', 'x');
  const refusal: unknown = await unknown.publish('t', 'y').catch((error: unknown) => error);
  const consumer = new Consumer({ topic: 't', channel: 'c', nsqd, tls: { ...tls, cert, key } });
  await consumer.run((message) => {
    bodies.push(message.text());
    void consumer.close();
  });

  assert.ok(refusal instanceof NsqError);
  assert.match(refusal.code, /^(?:TIMED_OUT|CONNECTION_LOST)$/);
  assert.deepEqual(bodies, ['x']);
});
