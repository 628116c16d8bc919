import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Producer } from '../../src/client/client.ts';
import { runNsqTail } from '../../src/companions/tools/nsq-tail.ts';
import { runToNsq } from '../../src/companions/tools/to-nsq.ts';
import { ORIGINALS } from '../../src/daemon/command-table.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { runWords } from '../support/operator.ts';

const ENTRY = fileURLToPath(new URL('../../scripts/ringmq.cjs', import.meta.url));
/** Nothing listens there. */
const DEAD_ADDRESS = '127.0.0.1:1';

const site = new BrokerSite({ after });
let broker: BrokerProcess;
let address: string;
let producer: Producer;

before(async () => {
  broker = await site.start();
  address = `127.0.0.1:${broker.tcpPort}`;
  producer = new Producer({ nsqd: [address] });
});
after(() => producer.close());

test('a link with the name of an original runs the command that takes its place', async (t) => {
  const directory = scratch(t);
  const programs = Object.keys(ORIGINALS);

  const outcomes = programs.map(async (program) => {
    const link = path.join(directory, program);
    symlinkSync(ENTRY, link);
    const { code, stdout } = await runProcess(t, [link, '--version']);
    return `${code} ${stdout.split(' (')[0].trim()}`;
  });

  assert.deepEqual(
    await Promise.all(outcomes),
    programs.map((program) => `0 ${program} v1.3.0`),
  );
});

test('to-nsq publishes each record of its input to each broker, the last one whole', async () => {
  const words = ['--topic=lines', `--nsqd-tcp-address=${address}`];
  const input = (): Readable => Readable.from([Buffer.from('a\nb'), Buffer.from('c\n\nlast')]);

  const published = await runWords(runToNsq, words, { input });
  const tail = ['--topic=lines', '--channel=c', `--nsqd-tcp-address=${address}`];
  const first = await runWords(runNsqTail, [...tail, '-n=2', '--print-topic']);
  const second = await runWords(runNsqTail, [...tail, '-n=1', '--json']);

  assert.equal(published.code, 0);
  assert.match(published.stderr, /published 3 messages to lines\n$/);
  assert.deepEqual([first.code, first.stdout], [0, 'lines | a\nlines | bc\n']);
  const { id, timestamp, ...rest } = JSON.parse(second.stdout);
  assert.deepEqual(rest, { topic: 'lines', attempts: 1, body: 'last' });
  assert.match(`${id} ${timestamp}`, /^[0-9a-f]{16} \d{19}$/);
});

test('nsq_tail leaves what it has not printed to others', async () => {
  await producer.publishMany('left', ['0', '1', '2', '3']);
  const words = ['--topic=left', '--channel=c', `--nsqd-tcp-address=${address}`];

  const outcome = await runWords(runNsqTail, [...words, '-n=3', '--max-in-flight=10']);

  const [{ depth, in_flight_count: inFlight }] = await channelsOf('left');
  assert.deepEqual([outcome.code, outcome.stdout], [0, '0\n1\n2\n']);
  assert.equal(depth + inFlight, 1);
});

for (const [name, run, given] of [
  ['nsq_tail', runNsqTail, ['--topic=t']],
  ['to-nsq', runToNsq, ['--topic=t']],
] as const) {
  test(`${name} ends with 1 when a broker cannot be reached at the start`, async () => {
    const input = (): Readable => Readable.from([Buffer.from('a\n')]);

    const words = [...given, `--nsqd-tcp-address=${DEAD_ADDRESS}`];
    const outcome = await runWords(run, words, { input });

    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /connecting to 127\.0\.0\.1:1 failed: connect ECONNREFUSED/);
  });
}

test('to-nsq ends with 1 when the broker refuses a record, and says how many it has accepted', async () => {
  const refused = Buffer.alloc(2 * 1024 * 1024, 'x');
  const input = (): Readable => Readable.from([Buffer.from('a\n'), refused]);

  const words = ['--topic=refused', `--nsqd-tcp-address=${address}`];
  const outcome = await runWords(runToNsq, words, { input });

  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /failed to publish - .*E_BAD_MESSAGE/);
  assert.match(outcome.stderr, /published 1 messages to refused/);
});

for (const words of [
  ['tail', '--topic=quiet'],
  ['to-nsq', '--topic=quiet'],
]) {
  test(`${words[0]} ends by SIGTERM with 0`, async (t) => {
    const child = spawn(process.execPath, [ENTRY, ...words, `--nsqd-tcp-address=${address}`], {
      stdio: 'pipe',
    });
    t.after(() => void child.kill('SIGKILL'));
    if (words[0] === 'to-nsq') child.stdin.write('a\nhalf a record');
    // What it has published, or the subscription of tail.
    while ((await channelsOrTopic('quiet', words[0])) === 0);

    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');

    assert.equal(code, 0);
  });
}

async function channelsOrTopic(topic: string, tool: string): Promise<number> {
  const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${topic}`));
  const found = stats.topics?.[0];
  return tool === 'tail' ? (found?.channels.length ?? 0) : (found?.message_count ?? 0);
}

type ChannelCounts = { readonly depth: number; readonly in_flight_count: number };

async function channelsOf(topic: string): Promise<readonly ChannelCounts[]> {
  const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${topic}`));
  return stats.topics[0].channels;
}

async function runProcess(
  t: TestContext,
  words: readonly string[],
): Promise<{ code: number; stdout: string }> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => void child.kill('SIGKILL'));
  const [stdout, [code]] = await Promise.all([buffer(child.stdout), once(child, 'exit')]);
  return { code, stdout: stdout.toString() };
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-tools-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
