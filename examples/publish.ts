/**
 * Publishes orders, and shows what a program must know when a publish fails.
 *
 *     NSQD=127.0.0.1:4150 node examples/publish.ts
 */

import { NsqError, Producer } from 'ringmq/client';

const nsqd = [process.env['NSQD'] ?? '127.0.0.1:4150'];
// One producer serves the whole program. It connects with the first publish, and again when a connection is lost.
const producer = new Producer({ nsqd });
producer.on('error', (error) => console.error('tried again:', error.message));

// Resolved means that the broker has the message. Calls of one turn go to the broker in one command.
await Promise.all([1, 2, 3].map((id) => producer.publish('orders', { id, amount: 20 * id })));
console.log('published 3 orders');

// A message for later.
await producer.publish('orders', { id: 4, amount: 5 }, { delayMs: 500 });
console.log('published an order for later');

try {
  await producer.publish('orders', { id: 5, amount: 1 }, { timeoutMs: 2000 });
} catch (error) {
  // A retriable error says that the same call may succeed later. The message may be there already: a consumer must
  // tolerate it twice.
  if (!(error instanceof NsqError && error.isRetriable)) throw error;
  console.error('keep the order for later:', error.code);
}

await producer.close();
