import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };

/** The values of all samples, by name and labels. */
async function scrape(broker: BrokerProcess): Promise<Map<string, number>> {
  const { text } = await ask(broker, '/metrics');
  const samples = text.split('\n').filter((one) => one !== '' && !one.startsWith('#'));
  return new Map(
    samples.map((one) => {
      const at = one.lastIndexOf(' ');
      return [one.slice(0, at), Number(one.slice(at + 1))];
    }),
  );
}

/** Scrapes until a sample has this value: threads show their numbers when they have nothing to do. */
async function until(
  broker: BrokerProcess,
  sample: string,
  value: number,
): Promise<Map<string, number>> {
  for (;;) {
    const samples = await scrape(broker);
    if (samples.get(sample) === value) return samples;
  }
}

/** A broker with a topic and a channel, to which messages were published, delivered and finished. */
async function busyBroker(t: TestContext): Promise<BrokerProcess> {
  const broker = await new BrokerSite(t).start({ flags: ['--mem-queue-size=0'] });
  const client = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));
  assert.equal(await client.nextText(), 'OK');
  const producer = await WireClient.connect(
    t,
    broker,
    pub('orders', 'one'),
    pub('orders', 'three'),
  );
  await producer.texts(2);
  client.send(line('RDY', 10));
  for (let count = 0; count < 2; count++) {
    const { id } = await client.nextMessage();
    client.send(line('FIN', id));
  }
  return broker;
}

test('/metrics: counts what clients do, on each thread', LIMIT, async (t) => {
  const broker = await busyBroker(t);

  const samples = await until(broker, 'ringmq_deliver_to_finish_seconds_count', 2);

  const values = [
    'ringmq_topic_published_messages_total{topic="orders"}',
    'ringmq_topic_published_bytes_total{topic="orders"}',
    'ringmq_channel_received_messages_total{topic="orders",channel="billing"}',
    'ringmq_channel_in_flight_messages{topic="orders",channel="billing"}',
    'ringmq_channel_consumers{topic="orders",channel="billing"}',
    'ringmq_commands_total{command="SUB"}',
    'ringmq_commands_total{command="PUB"}',
    'ringmq_commands_total{command="RDY"}',
    'ringmq_commands_total{command="FIN"}',
    'ringmq_publish_acknowledgement_seconds_count',
    'ringmq_publish_to_deliver_seconds_count',
    'ringmq_connections{protocol="tcp"}',
    'ringmq_topics',
    'ringmq_channels',
    'ringmq_healthy',
    'ringmq_ready',
    'ringmq_draining',
  ].map((name) => samples.get(name));
  assert.deepEqual(values, [2, 8, 2, 0, 1, 1, 2, 1, 2, 2, 2, 2, 1, 1, 1, 1, 0]);
  for (const name of [
    'ringmq_disk_written_bytes_total',
    'ringmq_received_bytes_total',
    'ringmq_sent_bytes_total',
    'ringmq_message_memory_bytes',
    'process_resident_memory_bytes',
    'ringmq_memory_limit_bytes',
    'ringmq_disk_free_bytes',
    'ringmq_disk_min_free_bytes',
    ...['main', 'pump-0', 'disk-0'].flatMap((thread) =>
      ['busy_seconds_total', 'turns_total', 'heap_bytes', 'heap_limit_bytes'].map(
        (what) => `ringmq_thread_${what}{thread="${thread}"}`,
      ),
    ),
  ]) {
    assert.ok((samples.get(name) ?? 0) > 0, `${name} ${samples.get(name)}`);
  }
});

test('/metrics: a sync of the disk is timed', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({
    flags: ['--mem-queue-size=0', '--sync-every=1'],
  });
  await ask(broker, '/pub?topic=orders', 'one');

  let count = 0;
  while (count === 0) count = (await scrape(broker)).get('ringmq_disk_sync_seconds_count') ?? 0;

  const samples = await scrape(broker);
  assert.ok((samples.get('ringmq_disk_sync_seconds_sum') ?? 0) > 0);
});

test(
  '/readyz: not while free space is below the watermark; /livez all the same',
  LIMIT,
  async (t) => {
    const good = await new BrokerSite(t).start();
    const full = await new BrokerSite(t).start({ flags: ['--min-free-disk=99.9%'] });

    const answers = [
      await ask(good, '/readyz'),
      await ask(full, '/readyz'),
      await ask(full, '/livez'),
    ];

    assert.deepEqual(
      answers.map(({ status, text }) => [status, text.replace(/: .*/, '')]),
      [
        [200, 'OK'],
        [503, 'NOK - space'],
        [200, 'OK'],
      ],
    );
  },
);
