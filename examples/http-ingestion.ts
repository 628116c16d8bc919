/**
 * Takes events over HTTP, one JSON text a line, and publishes them in batches. When brokers are slower than clients,
 * bodies are read more slowly: memory stays bounded, and clients wait.
 *
 *     NSQD=127.0.0.1:4150 PORT=8080 node examples/http-ingestion.ts
 *     curl --data-binary @events.ndjson http://127.0.0.1:8080/
 */

import { createServer, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { NsqError, Producer } from 'ringmq/client';

const BATCH_LINES = 500;
const producer = new Producer({
  nsqd: [process.env['NSQD'] ?? '127.0.0.1:4150'],
  // A client gets its answer in this time, whatever happens to brokers.
  timeoutMs: 10_000,
});
producer.on('error', (error) => console.error('tried again:', error.message));

/** Publishes the lines of a body. Resolves with their number when a broker has them all. */
async function ingest(body: IncomingMessage): Promise<number> {
  let count = 0;
  let batch: string[] = [];
  const publish = async (): Promise<void> => {
    count += batch.length;
    // Nothing more of the body is read while this waits: back-pressure reaches the client through TCP.
    await producer.publishMany('events', batch);
    batch = [];
  };
  for await (const line of createInterface({ input: body })) {
    if (line === '') continue;
    batch.push(line);
    if (batch.length === BATCH_LINES) await publish();
  }
  await publish();
  return count;
}

const server = createServer(async (request, response) => {
  // Too many clients together: better an answer now than a long wait.
  if (producer.writableNeedDrain) {
    response.writeHead(503, { 'retry-after': '1' }).end('busy\n');
    return;
  }
  try {
    response.end(`${await ingest(request)}\n`);
  } catch (error) {
    const status = error instanceof NsqError && error.isRetriable ? 503 : 500;
    // Earlier batches may have been taken; a client that sends again may send them twice.
    response.writeHead(status).end(`${error instanceof Error ? error.message : error}\n`);
  }
});
server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', () => {
  console.log('listening on', server.address());
});

process.once('SIGTERM', () => {
  // First no more requests, then what they have published.
  server.close(() => producer.close());
});
