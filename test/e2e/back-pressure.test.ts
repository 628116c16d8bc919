import assert from 'node:assert/strict';
import { test } from 'node:test';
import { residentMibOf } from '../../scripts/kit/proc.ts';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { channelStats, topicStats, until } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 1024 * 1024;
const MESSAGE_BYTES = 64 * 1024;
/** Published first: they fill what is bounded, so that all memory that is to be taken is taken. */
const WARM_UP = 512;
const MESSAGES = 1024;
/** Few, so that what is published has to go to disk: memory must hold neither it nor what nobody reads. */
const MEM_QUEUE_SIZE = 64;
/**
 * What 64 MiB of messages may add to the broker's memory once it has met as large ones: none of it is to be kept,
 * but buffers wait for the garbage collector. On an idle machine 0 to 10 MiB.
 */
const RESIDENT_GROWTH_MIB_MAX = 32;

test(
  'back-pressure: a consumer that never reads costs bounded memory and stops nobody',
  LIMIT,
  async (t) => {
    const broker = await new BrokerSite(t).start({ flags: [`--mem-queue-size=${MEM_QUEUE_SIZE}`] });
    const stuck = await WireClient.connect(t, broker, line('SUB', 'bulk', 'stuck'));
    const reader = await WireClient.connect(t, broker, line('SUB', 'bulk', 'reader'));
    assert.equal(await stuck.nextText(), 'OK');
    assert.equal(await reader.nextText(), 'OK');
    stuck.send(line('RDY', 2500));
    reader.send(line('RDY', 100));
    const publisher = await WireClient.connect(t, broker);

    await Promise.all([publishNumbers(publisher, 0, WARM_UP), receiveNumbers(reader, WARM_UP)]);
    const before = residentMibOf(broker.pid);
    await Promise.all([
      publishNumbers(publisher, WARM_UP, MESSAGES),
      receiveNumbers(reader, MESSAGES),
    ]);
    const after = residentMibOf(broker.pid);

    if (before !== undefined && after !== undefined) {
      t.diagnostic(`resident ${before.toFixed()} MiB, then ${after.toFixed()} MiB`);
      assert.ok(after - before < RESIDENT_GROWTH_MIB_MAX, `${before} MiB grew to ${after} MiB`);
    }
    const held = await channelStats(broker, 'bulk', 'stuck');
    assert.ok(held !== undefined);
    assert.equal(held.message_count, WARM_UP + MESSAGES);
    assert.equal(held.depth + held.in_flight_count, WARM_UP + MESSAGES);
    assert.ok(held.in_flight_count < MESSAGES / 2, `${held.in_flight_count} are on their way`);
  },
);

test('back-pressure: the consumer gets everything as soon as it reads', LIMIT, async (t) => {
  const COUNT = 200;
  const broker = await new BrokerSite(t).start({ flags: ['--mem-queue-size=16'] });
  const consumer = await WireClient.connect(t, broker, line('SUB', 'bulk', 'late'));
  assert.equal(await consumer.nextText(), 'OK');
  consumer.send(line('RDY', 2500));
  const publisher = await WireClient.connect(t, broker);
  for (let i = 0; i < COUNT; i++) publisher.send(pub('bulk', Buffer.alloc(MESSAGE_BYTES, i)));
  await publisher.texts(COUNT);

  const firstBytes: number[] = [];
  for (let i = 0; i < COUNT; i++) {
    const { id, body } = await consumer.nextMessage();
    firstBytes.push(body[0]);
    consumer.send(line('FIN', id));
  }

  assert.deepEqual(
    firstBytes.sort((a, b) => a - b),
    Array.from({ length: COUNT }, (_, index) => index),
  );
});

test(
  'back-pressure: a publisher that does not read its answers is stopped, not buffered',
  LIMIT,
  async (t) => {
    const COMMANDS = 2_000_000;
    const BATCH = 10_000;
    /** Readings of the same number that are taken for a standstill. */
    const STILL = 50;
    const ANSWER_BYTES = 10;
    /** The broker's own bound is 1 MiB; the rest is what systems buffer on both sides of a connection. */
    const ANSWERED_BYTES_MAX = 16 * MIB;
    const broker = await new BrokerSite(t).start({ flags: ['--mem-queue-size=1000'] });
    const publisher = await WireClient.connect(t, broker);
    // What does not fit in memory is dropped there, so that the disk takes no part.
    const batch = Buffer.concat(Array.from({ length: BATCH }, () => pub('chatty#ephemeral', 'x')));
    const before = residentMibOf(broker.pid);
    let sent = 0;
    const sending = (async () => {
      while (sent < COMMANDS) {
        await publisher.sendWhole(batch);
        sent += BATCH;
      }
    })();

    const accepted = async () => (await topicStats(broker, 'chatty#ephemeral'))?.message_count ?? 0;
    let count = 0;
    for (let still = 0; still < STILL; ) {
      const now = await accepted();
      still = now > 0 && now === count ? still + 1 : 0;
      count = now;
    }
    const stalled = residentMibOf(broker.pid);
    t.diagnostic(`stopped after ${count} messages`);
    const isStopped = publisher.unsentBytes > 0;
    let answers = 0;
    while (answers < count) {
      assert.equal(await publisher.nextText(), 'OK');
      answers++;
    }

    assert.ok(isStopped, 'the broker does not take what the publisher sends');
    assert.ok(count * ANSWER_BYTES < ANSWERED_BYTES_MAX, `${count} messages were accepted`);
    if (before !== undefined && stalled !== undefined) {
      t.diagnostic(`resident ${before.toFixed()} MiB, then ${stalled.toFixed()} MiB`);
      assert.ok(stalled - before < RESIDENT_GROWTH_MIB_MAX, `${before} MiB grew to ${stalled} MiB`);
    }
    // Once its answers are read it goes on.
    await until(accepted, (now) => now > count);
    publisher.reset();
    await Promise.race([sending, broker.logged(/closed client/)]);
  },
);

/** Publishes messages that begin with their number. */
async function publishNumbers(publisher: WireClient, first: number, count: number): Promise<void> {
  for (let number = first; number < first + count; number++) {
    const body = Buffer.alloc(MESSAGE_BYTES, number);
    body.writeUInt32BE(number);
    await publisher.sendWhole(pub('bulk', body));
    assert.equal(await publisher.nextText(), 'OK');
  }
}

/** Receives and finishes so many messages, all of them different. */
async function receiveNumbers(reader: WireClient, count: number): Promise<void> {
  const numbers = new Set<number>();
  for (let i = 0; i < count; i++) {
    const { id, body } = await reader.nextMessage();
    const number = body.readUInt32BE(0);
    assert.ok(body.subarray(4).equals(Buffer.alloc(MESSAGE_BYTES - 4, number)), 'it is whole');
    numbers.add(number);
    reader.send(line('FIN', id));
  }
  assert.equal(numbers.size, count);
}
