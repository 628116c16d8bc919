import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { channelStats, until } from '../support/broker-stats.ts';
import { Inbox } from '../support/inbox.ts';
import {
  type ConnectionOptions,
  type NsqMessage,
  openReader,
  Publisher,
} from '../support/nsqjs.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';
import { TlsSite } from '../support/tls-site.ts';

const LIMIT = { timeout: 120_000 };
const COUNT = 2000;
const BATCH = 100;
/** Most messages are small, one of so many is large. */
const LARGE_EVERY = 50;
const SMALL_BYTES_MAX = 2000;
const LARGE_BYTES_MAX = 200_000;
/** One of so many is requeued once. */
const REQUEUED_EVERY = 10;

const site = new TlsSite({ after });
const broker = await site.start();
const TLS = { tls: true, ca: Buffer.from(site.certificate.cert) };

const LAYERS: Readonly<Record<string, ConnectionOptions>> = {
  TLS: TLS,
  snappy: { snappy: true },
  deflate: { deflate: true },
  'TLS and snappy': { ...TLS, snappy: true },
  'TLS and deflate': { ...TLS, deflate: true },
};

for (const [name, options] of Object.entries(LAYERS)) {
  test(`nsqjs: publishes, receives and requeues through ${name}`, LIMIT, async (t) => {
    const seed = freshSeed();
    t.diagnostic(`seed ${seed}`);
    const bodies = mixedBodies(seed);
    const topic = name.replaceAll(' ', '-');
    const finished = new Inbox<NsqMessage>();
    let requeued = 0;
    const onMessage = (message: NsqMessage): void => {
      if (message.attempts === 1 && message.body.readUInt32BE(0) % REQUEUED_EVERY === 0) {
        requeued++;
        message.requeue(0, false);
        return;
      }
      message.finish();
      finished.put(message);
    };
    const { errors } = openReader(t, broker, topic, 'all', onMessage, {
      maxInFlight: 100,
      ...options,
    });
    const writer = await Publisher.connect(t, broker, options);

    for (let first = 0; first < COUNT; first += BATCH) {
      await writer.publish(topic, bodies.slice(first, first + BATCH));
    }
    const messages = await finished.atLeast(COUNT);
    const stats = await until(
      () => channelStats(broker, topic, 'all'),
      (channel) => channel?.depth === 0 && channel.in_flight_count === 0,
    );

    assert.deepEqual(messages.map(({ body }) => digest(body)).sort(), bodies.map(digest).sort());
    assert.deepEqual(
      [requeued, stats?.message_count, stats?.requeue_count, stats?.timeout_count],
      [COUNT / REQUEUED_EVERY, COUNT, COUNT / REQUEUED_EVERY, 0],
    );
    assert.deepEqual(errors, []);
  });
}

/** Each begins with its number; half of the others' bytes repeat, half are random. */
function mixedBodies(seed: number): Buffer[] {
  const below = seededRandom(seed);
  return Array.from({ length: COUNT }, (_, index) => {
    const bytesMax = index % LARGE_EVERY === 0 ? LARGE_BYTES_MAX : SMALL_BYTES_MAX;
    const bytes = Math.ceil(below(bytesMax) / 2);
    const number = Buffer.alloc(4);
    number.writeUInt32BE(index);
    return Buffer.concat([number, Buffer.alloc(bytes, below(256)), randomBytes(bytes)]);
  });
}

function digest(body: Buffer): string {
  return createHash('sha1').update(body).digest('hex');
}
