/**
 * A test-suite with a broker of its own: no container, no fixed port, nothing left behind.
 *
 *     node --test examples/embedded-broker.test.ts
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Broker, createBroker } from 'ringmq';
import { Consumer, Producer } from 'ringmq/client';

/** The code under test: it knows an address of a broker, and nothing of where that comes from. */
function startBilling(nsqd: string): Consumer {
  const producer = new Producer({ nsqd: [nsqd] });
  const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: [nsqd] });
  consumer
    .run(async (message) => {
      const { id } = message.json<{ id: number }>();
      await producer.publish('bills', { order: id });
    })
    .finally(() => producer.close());
  return consumer;
}

let broker: Broker;
before(async () => {
  broker = await createBroker({ memory: true, tcpAddress: '127.0.0.1:0' });
});
after(() => broker.close());

test('each order has a bill', async () => {
  const bills = broker.messages('bills', 'test');
  const billing = startBilling(`127.0.0.1:${broker.tcpPort}`);

  await broker.publish('orders', { id: 7 });
  const { value: bill } = await bills.next();
  await bill?.finish();
  await billing.close();

  assert.deepEqual(bill?.json(), { order: 7 });
});

test('an order that cannot be read is not billed', async () => {
  const { promise: failed, resolve } = Promise.withResolvers<unknown>();
  const billing = startBilling(`127.0.0.1:${broker.tcpPort}`);
  billing.once('failure', resolve);

  await broker.publish('orders', 'no order');
  const error = await failed;
  await billing.close();

  assert.ok(error instanceof SyntaxError);
});
