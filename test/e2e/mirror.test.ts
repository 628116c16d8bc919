import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Producer } from '../../src/client/client.ts';
import { runMirror } from '../../src/companions/tools/mirror.ts';
import { runNsqTail } from '../../src/companions/tools/nsq-tail.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { runWords } from '../support/operator.ts';

const ENTRY = fileURLToPath(new URL('../../scripts/ringmq.cjs', import.meta.url));
const COUNT = 2000;
const BODIES = Array.from({ length: COUNT }, (_, number) => `m${number}`);

const sites = [new BrokerSite({ after }), new BrokerSite({ after })];
let source: BrokerProcess;
let target: BrokerProcess;
let producer: Producer;
let addresses: readonly string[];

before(async () => {
  [source, target] = await Promise.all(sites.map((site) => site.start()));
  producer = new Producer({ nsqd: [`127.0.0.1:${source.tcpPort}`] });
  addresses = [
    `--nsqd-http-address=127.0.0.1:${source.httpPort}`,
    `--destination-nsqd-http-address=127.0.0.1:${target.httpPort}`,
  ];
});
after(() => producer.close());

test('mirror copies channels before messages, and counts on both sides', async () => {
  await source.ask('/topic/create?topic=copied', 'POST');
  for (const channel of ['a', 'b', 'ringmq_mirror']) {
    await source.ask(`/channel/create?topic=copied&channel=${channel}`, 'POST');
  }
  await source.ask('/channel/pause?topic=copied&channel=b', 'POST');
  await producer.publishMany('copied', BODIES);

  const words = [...addresses, '--topic=copied', '--until-empty', '--json'];
  const outcome = await runWords(runMirror, words);
  const bodies = await bodiesAt(target, 'copied', 'a', COUNT);

  assert.equal(outcome.code, 0);
  assert.deepEqual(JSON.parse(outcome.stdout), [
    {
      topic: 'copied',
      copied: COUNT,
      left_at_source: 0,
      published_at_source: COUNT,
      target_before: 0,
      target_now: COUNT,
    },
  ]);
  assert.deepEqual(bodies.sort(), [...BODIES].sort());
  assert.deepEqual(await channelsOf(target, 'copied'), ['a 0', `b ${COUNT} paused`]);
  assert.deepEqual(await channelsOf(source, 'copied'), [
    `a ${COUNT}`,
    `b ${COUNT} paused`,
    'ringmq_mirror 0',
  ]);
});

test('mirror --move takes the messages of the only channel', async () => {
  await source.ask('/topic/create?topic=moved', 'POST');
  await source.ask('/channel/create?topic=moved&channel=a', 'POST');
  await producer.publishMany('moved', ['1', '2', '3']);

  const words = [...addresses, '--topic=moved', '--move=a', '--until-empty'];
  const outcome = await runWords(runMirror, words);
  await source.ask('/channel/create?topic=moved&channel=b', 'POST');
  const refused = await runWords(runMirror, words);

  assert.equal(outcome.code, 0);
  assert.deepEqual(await channelsOf(source, 'moved'), ['a 0', 'b 0']);
  assert.deepEqual(await channelsOf(target, 'moved'), ['a 3']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--move=a: moved must have this channel only, and has: a, b\n$/);
});

test('mirror does not copy a broker to itself, nor a topic that is not there', async () => {
  const [from] = addresses;
  const to = `--destination-nsqd-http-address=localhost:${source.httpPort}`;

  const self = await runWords(runMirror, [from, to]);
  const missing = await runWords(runMirror, [...addresses, '--topic=none']);

  assert.deepEqual([self.code, missing.code], [1, 1]);
  assert.match(self.stderr, /source and target are one broker\n$/);
  assert.match(missing.stderr, /none: topic not found at the source, http:\/\/127\.0\.0\.1:\d+\n$/);
});

test('mirror that is killed loses nothing, and the next run continues', async (t) => {
  await source.ask('/topic/create?topic=killed', 'POST');
  await source.ask('/channel/create?topic=killed&channel=ringmq_mirror', 'POST');
  await target.ask('/topic/create?topic=killed', 'POST');
  await target.ask('/channel/create?topic=killed&channel=a', 'POST');
  await producer.publishMany('killed', BODIES);

  const words = [...addresses, '--topic=killed', '--max-in-flight=50'];
  const child = start(t, [...words, '--consumer-opt=msg_timeout,1s']);
  while ((await countAt(target, 'killed')) === 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const outcome = await runWords(runMirror, [...words, '--until-empty']);
  const bodies = await bodiesAt(target, 'killed', 'a', await countAt(target, 'killed'));

  assert.equal(outcome.code, 0);
  assert.deepEqual([...new Set(bodies)].sort(), [...BODIES].sort());
});

test('mirror ends by SIGTERM with 0, and prints its counts', async (t) => {
  await source.ask('/topic/create?topic=ended', 'POST');
  await producer.publish('ended', 'a');

  const child = start(t, [...addresses, '--topic=ended']);
  let stdout = '';
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString();
  });
  while ((await countAt(target, 'ended')) === 0);
  child.kill('SIGTERM');
  const [code] = await once(child, 'close');

  assert.equal(code, 0);
  assert.match(
    stdout,
    /^TOPIC +COPIED +LEFT +SOURCE +TARGET BEFORE +TARGET NOW\nended +1 +0 +1 +0 +1\n$/,
  );
});

function start(t: TestContext, words: readonly string[]): ReturnType<typeof spawn> {
  const child = spawn(process.execPath, [ENTRY, 'mirror', ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}

async function bodiesAt(
  broker: BrokerProcess,
  topic: string,
  channel: string,
  count: number,
): Promise<string[]> {
  const words = [`--topic=${topic}`, `--channel=${channel}`, `-n=${count}`];
  const { stdout } = await runWords(runNsqTail, [
    ...words,
    `--nsqd-tcp-address=127.0.0.1:${broker.tcpPort}`,
  ]);
  return stdout.trimEnd().split('\n');
}

async function countAt(broker: BrokerProcess, topic: string): Promise<number> {
  const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${topic}`));
  return stats.topics?.[0]?.message_count ?? 0;
}

/** Each channel with its depth. */
async function channelsOf(broker: BrokerProcess, topic: string): Promise<string[]> {
  const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${topic}`));
  const channels: { channel_name: string; depth: number; paused: boolean }[] =
    stats.topics[0].channels;
  return channels.map(({ channel_name: name, depth, paused }) =>
    `${name} ${depth} ${paused ? 'paused' : ''}`.trimEnd(),
  );
}
