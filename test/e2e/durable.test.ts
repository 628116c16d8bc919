/** What `acknowledge=fsync` promises, seen from outside the broker: its system calls, and what a kill leaves. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { Inbox } from '../support/inbox.ts';
import { openReader, Publisher } from '../support/nsqjs.ts';
import { canTrace, parseTrace, type SystemCall, traced } from '../support/system-calls.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const HOUR_MS = 3_600_000;
const WRITES = ['write', 'writev', 'sendmsg', 'pwrite64', 'pwritev'];
const SYNCS = ['fsync', 'fdatasync'];
const OTHERS = ['open', 'openat', 'rename', 'renameat', 'renameat2'];

async function setDurable(broker: BrokerProcess): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${broker.httpPort}/policy/durable`, {
    method: 'PUT',
    body: JSON.stringify({ pattern: '*', definition: { acknowledge: 'fsync' } }),
  });
  assert.equal(response.status, 200, await response.text());
}

/** Publishes one command after the other, each when the one before is answered. Returns a body of each. */
async function publishAll(client: WireClient, broker: BrokerProcess): Promise<string[]> {
  const commands: readonly (readonly [string, Buffer])[] = [
    ['first-of-a-topic', pub('one', 'first-of-a-topic')],
    ['second', pub('one', 'second')],
    ['of-a-batch', mpub('one', ['of-a-batch', 'another'])],
    ['deferred', dpub('one', HOUR_MS, 'deferred')],
    ['of-another-topic', pub('two', 'of-another-topic')],
  ];
  for (const [, command] of commands) {
    client.send(command);
    assert.deepEqual(await client.texts(1), ['OK']);
  }
  const overHttp = [
    ['pub', 'over-http'],
    ['mpub', 'over-http-first\nsecond'],
  ] as const;
  for (const [call, body] of overHttp) {
    const url = `http://127.0.0.1:${broker.httpPort}/${call}?topic=three`;
    const answer = await fetch(url, { method: 'POST', body });
    assert.equal(await answer.text(), 'OK');
  }
  return [...commands.map(([body]) => body), 'over-http', 'over-http-first'];
}

/** The first call that begins behind a line, of these names and with all of these texts. */
function find(
  calls: readonly SystemCall[],
  names: readonly string[],
  texts: readonly string[],
  behind = -1,
): SystemCall | undefined {
  return calls.find(
    ({ name, text, begin }) =>
      begin > behind && names.includes(name) && texts.every((part) => text.includes(part)),
  );
}

/** A completed sync of a path that begins behind a call. Errors: throws when there is none. */
function syncOf(calls: readonly SystemCall[], path: string, behind: SystemCall): SystemCall {
  const sync = find(calls, SYNCS, [`<${path}>`], behind.end);
  assert.ok(sync !== undefined, `"${path}" is synced`);
  assert.match(sync.text, /\) += 0$/, `"${path}" is synced without an error`);
  return sync;
}

test('fsync: before each OK its bytes and all names are synced, by the system calls', {
  ...LIMIT,
  skip: canTrace() ? false : 'strace is not installed, or may not trace',
}, async (t) => {
  const site = new BrokerSite(t);
  const trace = join(site.dataPath, 'trace');
  const launcher = traced([...WRITES, ...SYNCS, ...OTHERS], trace);
  const broker = await site.start({ launcher });
  await setDurable(broker);
  const client = await WireClient.connect(t, broker);

  const bodies = await publishAll(client, broker);
  await endTraced(broker);

  const calls = parseTrace(readFileSync(trace, 'utf8'));
  const journal = join(site.dataPath, '.ringmq', 'journal.0.a');
  let answered = -1;
  for (const body of bodies) {
    const written = find(calls, WRITES, [`<${journal}>`, body], answered);
    assert.ok(written !== undefined, `"${body}" is written to the journal`);
    const synced = syncOf(calls, journal, written);
    const answer = find(calls, WRITES, ['<socket:', 'OK'], written.begin);
    assert.ok(answer !== undefined, `"${body}" is answered`);
    assert.ok(synced.end < answer.begin, `"${body}" is synced before it is answered`);
    answered = answer.end;
  }
  const named: readonly (readonly [string, string, string])[] = [
    ['first-of-a-topic', journal, join(site.dataPath, '.ringmq')],
    ['first-of-a-topic', 'one.diskqueue.000000.dat', site.dataPath],
    ['of-another-topic', 'two.diskqueue.000000.dat', site.dataPath],
    ['over-http', 'three.diskqueue.000000.dat', site.dataPath],
  ];
  for (const [body, file, directory] of named) {
    const created = find(calls, ['open', 'openat'], [file, 'O_CREAT']);
    const written = find(calls, WRITES, [`<${journal}>`, body]);
    assert.ok(created !== undefined && written !== undefined, `"${file}" is created`);
    const answer = find(calls, WRITES, ['<socket:', 'OK'], written.begin);
    const synced = syncOf(calls, directory, created);
    assert.ok(answer !== undefined && synced.end < answer.begin, `the name of "${file}" is synced`);
  }
  for (const topic of ['one', 'two', 'three']) assertNamed(calls, site.dataPath, topic);
});

/** nsqd.dat names the topic durably before its first publish is answered. */
function assertNamed(calls: readonly SystemCall[], dataPath: string, topic: string): void {
  const written = find(calls, WRITES, [`${dataPath}/nsqd.dat.`, `\\"name\\":\\"${topic}\\"`]);
  assert.ok(written !== undefined, `nsqd.dat names "${topic}"`);
  const renamed = find(calls, ['rename', 'renameat', 'renameat2'], ['nsqd.dat'], written.end);
  assert.ok(renamed !== undefined, 'nsqd.dat is replaced');
  const synced = syncOf(calls, dataPath, renamed);
  const body = { one: 'first-of-a-topic', two: 'of-another-topic', three: 'over-http' }[topic];
  const kept = find(calls, WRITES, ['journal.0.a>', body ?? '']);
  const answer = find(calls, WRITES, ['<socket:', 'OK'], kept?.begin);
  assert.ok(answer !== undefined && synced.end < answer.begin, `nsqd.dat names "${topic}" in time`);
}

/** Ends a broker that strace has started: a signal is for the broker, and strace ends with it. */
async function endTraced(broker: BrokerProcess): Promise<void> {
  const children = readFileSync(`/proc/${broker.pid}/task/${broker.pid}/children`, 'latin1');
  process.kill(Number(children.trim()), 'SIGTERM');
  assert.deepEqual(await broker.ended, { code: 0, signal: null });
}

test(
  'fsync: what was acknowledged is there after a kill, and a clean shutdown leaves no journal',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    await setDurable(first);
    const client = await WireClient.connect(t, first);
    await publishAll(client, first);
    const publisher = await Publisher.connect(t, first);
    await publisher.publish('nsqjs', ['one', 'two']);
    await publisher.publish('nsqjs', 'three');

    await first.kill();
    const second = await site.start();
    const read = new Inbox<string>();
    openReader(t, second, 'nsqjs', 'c', (message) => {
      read.put(message.body.toString());
      message.finish();
    });
    const consumer = await WireClient.connect(t, second, line('SUB', 'one', 'c'), line('RDY', 10));
    assert.deepEqual(await consumer.texts(1), ['OK']);
    const received: string[] = [];
    while (received.length < 4) received.push(String((await consumer.nextMessage()).body));
    const readByNsqjs = [...(await read.atLeast(3))];
    const ending = await second.stop();

    assert.deepEqual(readByNsqjs.sort(), ['one', 'three', 'two']);
    const expected = ['another', 'first-of-a-topic', 'of-a-batch', 'second'];
    assert.deepEqual(received.sort(), expected);
    assert.deepEqual(ending, { code: 0, signal: null });
    const left = readdirSync(join(site.dataPath, '.ringmq')).filter((name) => /journal/.test(name));
    assert.deepEqual(left, []);
  },
);

test(
  'fsync: without room for a journal each queue is synced, and what cannot be written is refused',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const broker = await site.start({ fileBlocksMax: 64 });
    await setDurable(broker);
    const client = await WireClient.connect(t, broker);
    client.send(pub('one', 'small'));
    assert.deepEqual(await client.texts(1), ['OK']);

    client.send(pub('one', 'x'.repeat(100_000)));
    const [refusal] = await client.texts(1);

    assert.match(refusal ?? '', /E_PUB_FAILED/);
    await broker.logged(/use journal .*queues are synced one by one meanwhile/);
  },
);
