/**
 * Measures `ringmq admin` in front of many brokers, which another process simulates: it answers `/stats` as nsqd does.
 */

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readArguments } from './kit/arguments.ts';
import { BrokerProcess } from './kit/broker.ts';
import { cpuUsOf, residentMibOf } from './kit/proc.ts';

const USAGE = `usage: node scripts/fleet.ts [options]

Measures ringmq admin in front of many brokers: how long the first view of its page takes, and what
the page costs while somebody watches it. The brokers are simulated by another process.

  --nodes N     number of brokers (default 120)
  --topics N    topics of each broker (default 300)
  --seconds N   how long the page is watched (default 60)
  --busy        change every counter with every answer; without it nothing changes

Exit code: 0 done, 2 bad arguments.`;

const values = readArguments(USAGE, {
  nodes: { type: 'string', default: '120' },
  topics: { type: 'string', default: '300' },
  seconds: { type: 'string', default: '60' },
  busy: { type: 'boolean', default: false },
  // The process that simulates the brokers.
  serve: { type: 'boolean', default: false },
});
const nodeCount = Number(values.nodes);
const topicCount = Number(values.topics);
/** The first polls, which are not idle yet. */
const SETTLE_S = 20;

if (values.serve) await serve();
else await measure();

async function measure(): Promise<void> {
  const words = ['--serve', `--nodes=${nodeCount}`, `--topics=${topicCount}`];
  const nodes = fork(import.meta.filename, values.busy ? [...words, '--busy'] : words);
  const [lookupPort] = await once(nodes, 'message');
  const admin = new BrokerProcess(
    spawn(
      process.execPath,
      [
        path.join(import.meta.dirname, 'ringmq.cjs'),
        'admin',
        '--http-address=127.0.0.1:0',
        `--lookupd-http-address=127.0.0.1:${lookupPort}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    ),
  );
  try {
    const [, port] = await admin.logged(/HTTP: listening on .*:(\d+)\n/);
    const startMs = performance.now();
    const abort = new AbortController();
    const url = `http://127.0.0.1:${port}/ui/events?view=topics`;
    const response = await fetch(url, { signal: abort.signal });
    const frames = framesOf(response);
    const first = await frames.next();
    const firstMs = performance.now() - startMs;
    const { brokers, totals, view } = JSON.parse(first.value ?? '{}');
    let count = 0;
    const reading = (async () => {
      for await (const _ of frames) count++;
      // `abort` below ends the reading with an error.
    })().catch(() => undefined);
    await pause(SETTLE_S * 1000);
    const before = cpuUsOf(admin.pid) ?? 0;
    const framesBefore = count;
    await pause(Number(values.seconds) * 1000);
    const usedS = ((cpuUsOf(admin.pid) ?? 0) - before) / 1e6;
    const share = (usedS / Number(values.seconds)) * 100;
    console.log(`${nodeCount} nodes × ${topicCount} topics${values.busy ? ', busy' : ', idle'}`);
    console.log(
      `first view: ${firstMs.toFixed(0)} ms, with ${brokers.answering} of ${brokers.total} brokers`,
    );
    console.log(
      `it shows ${totals.topics} topics, ${totals.queued} messages, ${view.list.rows.length} rows`,
    );
    console.log(
      `one viewer: ${share.toFixed(2)} % of a core, ${count - framesBefore} frames in ${values.seconds} s`,
    );
    console.log(`resident: ${(residentMibOf(admin.pid) ?? 0).toFixed(0)} MiB`);
    abort.abort();
    await reading;
  } finally {
    await admin.kill();
    nodes.kill();
  }
}

/** The frames of a stream, as JSON. */
async function* framesOf({ body }: Response): AsyncGenerator<string> {
  let text = '';
  if (body === null) return;
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const data = /^event: frame\ndata: (.*)/.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data !== undefined) yield data;
    }
  }
}

/** The nodes, and an nsqlookupd that knows them. */
async function serve(): Promise<void> {
  const topics = Array.from(
    { length: topicCount },
    (_, at) => `topic-${String(at).padStart(4, '0')}`,
  );
  const ports: number[] = [];
  for (let at = 0; at < nodeCount; at++) ports.push(await listen(answerStats(topics, at)));
  const producers = ports.map((port, at) => ({
    remote_address: `127.0.0.1:${port - 1}`,
    hostname: `node-${at}`,
    broadcast_address: '127.0.0.1',
    tcp_port: port - 1,
    http_port: port,
    version: '1.3.0',
    tombstones: topics.map(() => false),
    topics,
  }));
  const nodes = JSON.stringify({ producers });
  const lookupPort = await listen((url) => (url.startsWith('/nodes') ? nodes : undefined));
  process.send?.(lookupPort);
}

/** Answers of one node. Shape: as nsqd 1.3 writes them. */
function answerStats(topics: readonly string[], node: number): (url: string) => string | undefined {
  let messages = 1000 + node;
  const latency = { count: 0, percentiles: null };
  const counts = () => ({
    depth: 3,
    backend_depth: 1,
    message_count: messages,
    paused: false,
    e2e_processing_latency: latency,
  });
  const text = (): string =>
    JSON.stringify({
      version: '1.3.0',
      health: 'OK',
      start_time: 1_700_000_000,
      topics: topics.map((name) => ({
        topic_name: name,
        channels: [
          {
            channel_name: 'archive',
            ...counts(),
            in_flight_count: 0,
            deferred_count: 0,
            requeue_count: 0,
            timeout_count: 0,
            client_count: 1,
            clients: null,
          },
        ],
        ...counts(),
        message_bytes: 200_000,
      })),
      producers: null,
    });
  let kept = text();
  return (url) => {
    if (!url.startsWith('/stats')) return undefined;
    if (values.busy) {
      messages += 100;
      kept = text();
    }
    return kept;
  };
}

async function listen(answer: (url: string) => string | undefined): Promise<number> {
  const server: Server = createServer(({ url = '' }, response) => {
    const text = answer(url);
    response.writeHead(text === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(text ?? '{"message":"NOT_FOUND"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
