import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../../scripts/kit/broker.ts';
import { line, mpub } from '../../../src/protocol/commands.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { channelStats, topicStats, until } from '../../support/broker-stats.ts';
import { askPolicies, setPolicy } from '../../support/policies.ts';
import { WireClient } from '../../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const COUNT = 2000;

for (const moved of [1, 500, 1500]) {
  test(
    `dead letters: kill -9 after ${moved} have moved leaves each message somewhere`,
    LIMIT,
    async (t) => {
      const site = new BrokerSite(t);
      const first = await site.start({
        flags: ['--mem-queue-size=0', '--max-bytes-per-file=20000'],
      });
      await setPolicy(first, 'one-try', {
        pattern: 'work:*',
        'max-attempts': 1,
        'dead-letter': 'dead',
      });
      await fill(t, first);
      const consumer = await subscribe(t, first, 'work', 250);
      void requeueAll(consumer);
      await until(
        // It counts those whose topic has them on disk.
        () =>
          channelStats(first, 'work', 'c') as Promise<{ dead_letter_count?: number } | undefined>,
        (channel) => (channel?.dead_letter_count ?? 0) >= moved,
      );
      await first.kill();

      const second = await site.start({ flags: ['--mem-queue-size=0'] });
      await askPolicies(second, 'DELETE', '/policy/one-try');
      const left = await bodiesOf(t, second, 'work');
      const dead = await bodiesOf(t, second, 'dead');

      const all = new Set([...left, ...dead]);
      assert.equal(all.size, COUNT);
      assert.ok(new Set(dead).size >= moved);
    },
  );
}

/** Publishes the numbers, each a message. */
async function fill(t: TestContext, broker: BrokerProcess): Promise<void> {
  const client = await WireClient.connect(t, broker);
  for (let from = 0; from < COUNT; from += 100) {
    client.send(
      mpub(
        'work',
        Array.from({ length: 100 }, (_, i) => String(from + i)),
      ),
    );
    assert.equal(await client.nextText(), 'OK');
  }
}

async function subscribe(
  t: TestContext,
  broker: BrokerProcess,
  topic: string,
  ready: number,
): Promise<WireClient> {
  const client = await WireClient.connect(t, broker, line('SUB', topic, 'c'));
  assert.equal(await client.nextText(), 'OK');
  client.send(line('RDY', ready));
  return client;
}

/** Sends every message back until the broker is gone. */
async function requeueAll(consumer: WireClient): Promise<void> {
  for (;;) {
    const frame = await consumer.next();
    if (frame === null) return;
    if (frame.type === 'message')
      consumer.send(line('REQ', frame.data.toString('latin1', 10, 26), 0));
  }
}

/** Consumes and finishes everything that a topic has, in its channel or waiting for one. */
async function bodiesOf(t: TestContext, broker: BrokerProcess, topic: string): Promise<string[]> {
  const bodies: string[] = [];
  const consumer = await subscribe(t, broker, topic, 250);
  const isEmpty = (): Promise<boolean> =>
    topicStats(broker, topic).then((stats) => {
      const [channel] = stats?.channels ?? [];
      const {
        depth = 0,
        in_flight_count: inFlight = 0,
        deferred_count: deferred = 0,
      } = channel ?? {};
      return (stats?.depth ?? 0) + depth + inFlight + deferred === 0;
    });
  void (async () => {
    for (;;) {
      const frame = await consumer.next();
      if (frame === null) return;
      if (frame.type !== 'message') continue;
      bodies.push(frame.data.toString('latin1', 26));
      consumer.send(line('FIN', frame.data.toString('latin1', 10, 26)));
    }
  })();
  await until(isEmpty, (is) => is);
  return bodies;
}
