import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { PLAIN } from '../../../../../scripts/bench/wire/link.ts';
import { httpPublish } from '../../../../../scripts/bench/workloads/http-publish.ts';
import { consume, publish } from '../../../../../scripts/bench/workloads/traffic.ts';
import { ProgressCount } from '../../../../../scripts/bench/workloads/workload.ts';
import type { HostPort } from '../../../../../src/daemon/host-port.ts';

const OK = Buffer.from('00000006000000004f4b', 'hex');

type Answer = (bytes: Buffer) => Buffer | null;

/** A server that answers what it has read of a connection, until there is no answer. */
async function serve(t: TestContext, answer: () => Answer): Promise<HostPort> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const answerOne = answer();
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => {
      const bytes = answerOne(chunk);
      if (bytes !== null) socket.write(bytes);
    });
    socket.on('error', () => socket.destroy());
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { host: '127.0.0.1', port: address.port };
}

function progress(): ProgressCount {
  return new ProgressCount(() => Promise.resolve());
}

/** Answers OK to every command of so many bytes behind the magic; counts them. */
function counting(commandBytes: number, counts: { commands: number }): () => Answer {
  return () => {
    let pending = -'  V2'.length;
    return (chunk) => {
      pending += chunk.length;
      const count = Math.max(0, Math.floor(pending / commandBytes));
      pending -= count * commandBytes;
      counts.commands += count;
      return count === 0 ? null : Buffer.concat(Array.from({ length: count }, () => OK));
    };
  };
}

const ORDER = {
  layers: PLAIN,
  topics: ['test'],
  batch: 1,
  size: 10,
  deferMs: 0,
  connections: 3,
  inFlight: 4,
  rate: 0,
  messages: 100,
  seconds: null,
};
const PUB_BYTES = 'PUB test\n'.length + 4 + ORDER.size;

test('publish: sends exactly the number of messages, and waits for the answers', async (t) => {
  const counts = { commands: 0 };
  const address = await serve(t, counting(PUB_BYTES, counts));
  const told = progress();

  const outcome = await publish({ ...ORDER, address }, told);

  assert.deepStrictEqual([outcome.count, counts.commands, told.done], [100, 100, 100]);
  assert.ok(outcome.percentiles !== null);
});

test('publish: connections take turns with the topics', async (t) => {
  const texts: string[] = [];
  const address = await serve(t, () => {
    const answer = counting(PUB_BYTES, { commands: 0 })();
    return (chunk) => {
      texts.push(chunk.toString('latin1'));
      return answer(chunk);
    };
  });

  const topics = ['tes1', 'tes2', 'tes3'];
  const outcome = await publish({ ...ORDER, topics, address }, progress());

  const sent = texts.join('');
  const perTopic = topics.map((topic) => sent.split(`PUB ${topic}\n`).length - 1);
  assert.equal(outcome.count, 100);
  assert.equal(
    perTopic.reduce((sum, count) => sum + count),
    100,
  );
  assert.ok(perTopic.every((count) => count > 0));
});

test('publish: at a rate it sends as many, over all connections', async (t) => {
  const counts = { commands: 0 };
  const address = await serve(t, counting(PUB_BYTES, counts));

  const outcome = await publish({ ...ORDER, address, rate: 5000 }, progress());

  assert.deepStrictEqual([outcome.count, counts.commands], [100, 100]);
  assert.ok(outcome.elapsedMs >= 99 / 5);
});

test('publish: an error of the server is told', async (t) => {
  const text = 'E_BAD_TOPIC PUB topic name "test" is not valid';
  const frame = Buffer.alloc(8 + text.length);
  frame.writeUInt32BE(4 + text.length);
  frame.writeUInt32BE(1, 4);
  frame.write(text, 8);
  const address = await serve(t, () => (chunk) => (chunk.includes('PUB') ? frame : null));

  await assert.rejects(publish({ ...ORDER, address }, progress()), {
    message: `publishing: the server says ${text}`,
  });
});

test('publish: a server that is not there is named', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { port } = address;
  await new Promise((resolve) => server.close(resolve));
  t.diagnostic(`port ${port}`);

  const rejected = publish({ ...ORDER, address: { host: '127.0.0.1', port } }, progress());
  await assert.rejects(rejected, /^Error: connect to 127\.0\.0\.1:\d+: /);
});

test('consume: finishes everything, and requeues its share', async (t) => {
  const commands: string[] = [];
  let sent = 0;
  const address = await serve(t, () => {
    let text = '';
    return (chunk) => {
      text += chunk.toString('latin1');
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      commands.push(...lines);
      const frames: Buffer[] = lines.some((line) => line.startsWith('RDY')) ? [OK] : [];
      const room = lines.filter((line) => /^(?:RDY 1|FIN|REQ)/.test(line)).length;
      for (let i = 0; i < room; i++) frames.push(messageFrame(sent++));
      return frames.length === 0 ? null : Buffer.concat(frames);
    };
  });

  const outcome = await consume(
    {
      address,
      layers: PLAIN,
      topics: ['test'],
      channels: ['ch'],
      connections: 1,
      rdy: 1,
      finBatch: 0,
      requeueShare: 0.25,
      messages: 9,
      seconds: null,
    },
    progress(),
  );

  const end = commands.indexOf('RDY 0');
  const requeues = commands.slice(0, end).filter((line) => line.startsWith('REQ')).length;
  assert.equal(outcome.count, 9);
  assert.deepStrictEqual(commands.slice(0, 2), ['  V2SUB test ch', 'RDY 1']);
  assert.deepStrictEqual([end, requeues], [2 + 9 + 2, 2]);
});

for (const inFlight of [1, 4]) {
  test(`httpPublish: sends exactly the number of requests, ${inFlight} at a time`, async (t) => {
    let requests = 0;
    let most = 0;
    const address = await serve(t, () => (chunk) => {
      const count = chunk.toString('latin1').split('POST /pub?topic=test HTTP/1.1').length - 1;
      requests += count;
      most = Math.max(most, count);
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK';
      return count === 0 ? null : Buffer.from(answer.repeat(count));
    });
    const order = { address, topic: 'test', batch: 1, size: 5, connections: 3, seconds: null };

    const outcome = await httpPublish({ ...order, inFlight, messages: 22 }, progress());

    assert.deepStrictEqual([outcome.count, requests, most], [22, 22, inFlight]);
  });
}

function messageFrame(number: number): Buffer {
  const body = Buffer.from('x');
  const frame = Buffer.alloc(34 + body.length);
  frame.writeUInt32BE(frame.length - 4);
  frame.writeUInt32BE(2, 4);
  frame.write(String(number).padStart(16, '0'), 18);
  body.copy(frame, 34);
  return frame;
}
