import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { MultiServer } from '../../scripts/checkers/crash/multi-server.ts';
import { Consumer } from '../../src/client/consumer.ts';
import { Producer } from '../../src/client/producer.ts';
import { Journal } from '../support/journal.ts';

const LIMIT = { timeout: 120_000 };
const FLAGS = ['--mem-queue-size=0', '--broadcast-address=127.0.0.1', '--max-memory=1GiB'];
/** With so many connections the system leaves no broker without any. */
const PRODUCERS = 32;

function start(t: TestContext, dataPath: string, brokers: number): MultiServer {
  const multi = new MultiServer({ dataPath, brokers, flags: FLAGS, random: () => 1 });
  t.after(() => multi.destroy());
  return multi;
}

/** A value of the JSON that all brokers answer together. */
async function depthOf(multi: MultiServer, topic: string): Promise<number> {
  const { topics } = JSON.parse(await multi.ask(`/stats?format=json&topic=${topic}`)) as {
    topics: { depth: number }[];
  };
  return topics[0].depth;
}

test(
  'multi: brokers share a port, are restarted, end cleanly, and one that is dropped leaves what it has to the others',
  LIMIT,
  async (t) => {
    const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-multi-'));
    t.after(() => rmSync(dataPath, { recursive: true, force: true }));
    const multi = start(t, dataPath, 2);
    await multi.listening();
    const received = new Journal();

    // Everyone publishes to one port, and the consumer finds all brokers by lookupd.
    const producers = Array.from(
      { length: PRODUCERS },
      () => new Producer({ nsqd: [`127.0.0.1:${multi.tcpPort}`] }),
    );
    t.after(() => Promise.all(producers.map((producer) => producer.close())));
    await Promise.all(producers.map((producer, index) => producer.publish('orders', `${index}`)));
    const { lookupd_http_address: lookupd } = JSON.parse(await multi.ask('/brokers')) as {
      lookupd_http_address: string;
    };
    const consumer = new Consumer({ topic: 'orders', channel: 'all', lookupd: [lookupd] });
    t.after(() => consumer.close());
    void consumer.run((message) => received.add(message.text()));
    for (let index = 0; index < PRODUCERS; index++) await received.until(new RegExp(`^${index}$`));
    const connections = consumer.stats().connectionCount;

    // A broker that is killed comes back with what it had.
    await Promise.all(producers.map((producer, index) => producer.publish('kept', `${index}`)));
    await multi.killOne(1);
    assert.match(multi.log, /broker-2 has crashed: it was killed by SIGKILL; it starts again in/);
    assert.equal(await depthOf(multi, 'kept'), PRODUCERS);
    assert.equal(await multi.ask('/ping'), 'OK');
    assert.match(
      await multi.ask('/metrics'),
      /ringmq_multi_broker_restarts_total\{broker="broker-2"\} 1\n/,
    );

    await consumer.close();
    await Promise.all(producers.map((producer) => producer.close()));
    assert.deepEqual(await multi.stop(), { code: 0, signal: null });

    // The second broker is not wanted any more.
    const fewer = start(t, dataPath, 1);
    await fewer.logged(/broker-2 has left: \d+ messages were moved, its directory is removed\n/);
    await fewer.listening();
    const depth = await depthOf(fewer, 'kept');
    const isThere = existsSync(path.join(dataPath, 'broker-2'));
    assert.deepEqual(await fewer.stop(), { code: 0, signal: null });

    assert.equal(connections, 2);
    assert.deepEqual([depth, isThere], [PRODUCERS, false]);
  },
);
