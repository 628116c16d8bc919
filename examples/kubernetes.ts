/**
 * A worker that a cluster may stop at any time. After SIGTERM it takes no more messages, handles those that it has
 * begun, gives back the others, and ends before the cluster kills it.
 *
 *     spec:
 *       terminationGracePeriodSeconds: 30        # more than DEADLINE_MS
 *       containers:
 *         - name: worker
 *           command: [node, examples/kubernetes.ts]
 *           readinessProbe: { httpGet: { path: /ready, port: 8081 } }
 *           livenessProbe: { httpGet: { path: /live, port: 8081 } }
 */

import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { Consumer } from 'ringmq/client';

/** Less than the grace period: what is not handled by then comes again at another worker. */
const DEADLINE_MS = 25_000;

const consumer = new Consumer({
  topic: 'orders',
  channel: 'billing',
  nsqd: [process.env['NSQD'] ?? '127.0.0.1:4150'],
});
consumer.on('error', (error) => console.error('tried again:', error.message));

let isStopping = false;
const probes = createServer(({ url }, response) => {
  // Without a broker the worker is not ready, but restarting it would not help: it connects again by itself.
  const isReady = !isStopping && consumer.stats().connectionCount > 0;
  response.writeHead(url === '/live' || isReady ? 200 : 503).end();
});
probes.listen(Number(process.env['PORT'] ?? 8081));

process.once('SIGTERM', async () => {
  isStopping = true;
  console.log('stopping with', consumer.stats().inFlightCount, 'in flight');
  // Resolves when all handlers are done and their answers are with the broker, or at the deadline.
  await consumer.close({ deadlineMs: DEADLINE_MS });
  probes.close();
});

await consumer.run(
  async (message) => {
    console.log('begins with', message.text());
    await setTimeout(200);
    console.log('is done with', message.text());
  },
  { concurrency: 10 },
);
console.log('stopped with', consumer.stats().inFlightCount, 'in flight');
