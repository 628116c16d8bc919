/**
 * Consumes orders, twenty at a time, until somebody presses Ctrl+C.
 *
 *     NSQD=127.0.0.1:4150 node examples/consume.ts
 */

import { Consumer } from 'ringmq/client';

type Order = { readonly id: number; readonly amount: number };

const consumer = new Consumer({
  topic: 'orders',
  // Each channel gets every message of the topic; consumers of one channel share its messages.
  channel: 'billing',
  nsqd: [process.env['NSQD'] ?? '127.0.0.1:4150'],
  maxInFlight: 100,
});
consumer.on('connect', (address) => console.log('connected to', address));
consumer.on('error', (error) => console.error('tried again:', error.message));
consumer.on('failure', (error, message) => console.error('order', message.id, 'failed:', error));

process.once('SIGINT', () => consumer.close());
process.once('SIGTERM', () => consumer.close());

// When the handler returns the message is finished. When it throws, the message comes again later.
await consumer.run(
  async (message) => {
    const order = message.json<Order>();
    console.log(`billed order ${order.id}, attempt ${message.attempts}`);
  },
  { concurrency: 20 },
);
console.log('closed', consumer.stats().finishedCount);
