/**
 * Tries each order up to three times, later each time. An order that still fails goes to a dead letter topic, with
 * the reason, where a person or another program deals with it.
 *
 *     NSQD=127.0.0.1:4150 node examples/retries-and-dead-letters.ts
 */

import { Consumer, type Message, Producer } from 'ringmq/client';

type Order = { readonly id: number; readonly amount: number };

const nsqd = [process.env['NSQD'] ?? '127.0.0.1:4150'];
const producer = new Producer({ nsqd });
const consumer = new Consumer({
  topic: 'orders',
  channel: 'billing',
  nsqd,
  maxAttempts: 3,
  // The first retry comes after this time, the next one after twice as long.
  requeueDelayMs: 100,
  // One bad order must not slow the others down; without this the consumer pauses after failures.
  maxBackoffMs: 0,
  onDiscard: bury,
});
consumer.on('error', (error) => console.error('tried again:', error.message));
producer.on('error', (error) => console.error('tried again:', error.message));
process.once('SIGTERM', () => consumer.close({ deadlineMs: 20_000 }));

/** The order is finished when this is done. If it fails, the order comes again: it is always somewhere. */
async function bury(message: Message, error: unknown): Promise<void> {
  await producer.publish('orders.dead', {
    order: message.text(),
    attempts: message.attempts,
    error: String(error),
  });
  console.log('buried', message.text());
}

await consumer.run(
  async (message) => {
    const order = message.json<Order>();
    if (order.amount < 0)
      throw new RangeError(`order ${order.id} has an amount of ${order.amount}`);
    console.log(`billed order ${order.id}`);
  },
  { concurrency: 20 },
);
await producer.close();
