import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import type { Companion } from '../../src/companions/companion.ts';
import { runBackup } from '../../src/companions/operator/backup-command.ts';
import { runPublish } from '../../src/companions/operator/publish-command.ts';
import { runLs, runStat } from '../../src/companions/operator/stat-commands.ts';
import { runConfig, runDrain } from '../../src/companions/operator/steer-commands.ts';
import { runTail } from '../../src/companions/operator/tail-command.ts';
import { runTop } from '../../src/companions/operator/top-command.ts';
import { runCreate, runPause } from '../../src/companions/operator/topic-commands.ts';
import { runVerify } from '../../src/companions/operator/verify-command.ts';
import { accessFile, type GivenClient } from '../support/access-file.ts';
import { BrokerSite } from '../support/broker-process.ts';
import {
  ask,
  type ChannelStats,
  channelStats,
  topicStats,
  until,
} from '../support/broker-stats.ts';
import { runWords } from '../support/operator.ts';
import { TlsSite } from '../support/tls-site.ts';

const LIMIT = { timeout: 120_000 };

const OPS: GivenClient = { name: 'ops', secret: 'o', roles: ['admin'] };

const site = new BrokerSite({ after });
const access = join(site.dataPath, 'access.toml');
writeFileSync(access, accessFile([OPS]));
const config = join(site.dataPath, 'ringmq.toml');
writeFileSync(config, 'max_rdy_count = 100\n');
const broker = await site.start({
  flags: [`--http-access=${access}`, '--tcp-access', `--config=${config}`],
});
const env = { RINGMQ_HTTP: `127.0.0.1:${broker.httpPort}`, RINGMQ_TOKEN: 'ops.o' };

type Around = Parameters<typeof runWords>[2];

const run = (companion: Companion, words: readonly string[], around: Around = {}) =>
  runWords(companion, words, { env, ...around });

/** Publishes with the token. */
async function publish(topic: string, body: string): Promise<void> {
  const response = await fetch(`http://${env.RINGMQ_HTTP}/pub?topic=${topic}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${env.RINGMQ_TOKEN}` },
    body,
  });
  assert.equal(response.status, 200);
}

test('ringmq ls and stat: topics, channels and consumers of a broker', LIMIT, async () => {
  const empty = await run(runLs, []);
  await run(runCreate, ['orders']);
  await run(runCreate, ['orders:billing']);
  await publish('orders', 'm');
  await run(runPause, ['orders:billing']);

  const topics = await run(runLs, []);
  const channels = await run(runLs, ['orders']);
  const json = await run(runLs, ['orders', '--json']);
  const node = await run(runStat, ['--json']);
  const topic = await run(runStat, ['orders']);
  const channel = await run(runStat, ['orders:billing', '--json']);
  const missing = [await run(runLs, ['none']), await run(runStat, ['orders:none'])];
  const locked = await runWords(runLs, [], { env: { RINGMQ_HTTP: env.RINGMQ_HTTP } });

  assert.equal(empty.stdout, 'there are no topics\n');
  assert.match(topics.stdout, /^orders +1 +0 +1 +0 +0 +1 +-$/m);
  assert.match(channels.stdout, /^billing +1 +0 +0 +0 +0 +0 +0 +paused$/m);
  assert.equal(JSON.parse(json.stdout)[0].depth, 1);
  const { version, health, started, ...totals } = JSON.parse(node.stdout);
  assert.deepEqual([version, health], ['1.3.0', 'OK']);
  assert.ok(Date.parse(started) > 0);
  assert.deepEqual(totals, {
    topics: 1,
    channels: 1,
    messages: 1,
    in_flight: 0,
    deferred: 0,
    consumers: 0,
  });
  assert.match(topic.stdout, /^message count +1$/m);
  assert.match(topic.stdout, /\n\nCHANNEL .*\nbilling /);
  assert.deepEqual(JSON.parse(channel.stdout).clients, []);
  assert.deepEqual(
    missing.map(({ code, stderr }) => [code, stderr]),
    [
      [1, 'topic not found\n'],
      [1, 'topic or channel not found\n'],
    ],
  );
  assert.deepEqual(
    [locked.code, locked.stderr],
    [1, 'the broker asks for a token: --token or RINGMQ_TOKEN gives one\n'],
  );
});

test('ringmq tail: prints what is published, and takes nothing from others', LIMIT, async () => {
  await run(runCreate, ['tailed']);
  await run(runCreate, ['tailed:others']);
  const text = run(runTail, ['tailed', '--limit=1']);
  const json = run(runTail, ['tailed', '--limit=2', '--json']);
  const interrupt = Promise.withResolvers<void>();
  const endless = run(runTail, ['tailed'], { interrupted: () => interrupt.promise });
  await until(
    async () => JSON.parse((await run(runStat, ['tailed', '--json'])).stdout).channels.length,
    (count) => count === 4,
  );

  await publish('tailed', 'hello');
  const first = await text;
  await publish('tailed', '\u00fc');
  const lines = (await json).stdout.trim().split('\n');
  const others = JSON.parse((await run(runStat, ['tailed:others', '--json'])).stdout);
  interrupt.resolve();
  const { code, stdout } = await endless;
  const missing = await run(runTail, ['none']);

  assert.deepEqual([first.code, first.stdout], [0, 'hello\n']);
  const [, second] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([second.body, second.encoding, second.attempts], ['\u00fc', 'text', 1]);
  assert.equal(others.depth, 2);
  assert.deepEqual([code, stdout.startsWith('hello\n')], [0, true]);
  assert.deepEqual([missing.code, missing.stderr], [1, 'topic not found\n']);
});

test('ringmq tail: reaches a broker that requires TLS and credentials', LIMIT, async () => {
  const tlsSite = new TlsSite({ after });
  const file = tlsSite.write('access.toml', accessFile([OPS]));
  const secured = await tlsSite.start(
    `--http-access=${file}`,
    '--tcp-access',
    '--tls-required=true',
  );
  const [, port] = await secured.logged(/HTTPS: listening on .*:(\d+)$/m);
  // As NODE_EXTRA_CA_CERTS does for a program.
  setDefaultCACertificates([tlsSite.certificate.cert]);
  const url = `https://ops:o@localhost:${port}`;
  const around = { env: { RINGMQ_HTTP: url } };
  await run(runCreate, ['secret'], around);
  await run(runCreate, ['secret:others'], around);

  const tailing = run(runTail, ['secret', '--limit=1'], around);
  await until(
    async () =>
      JSON.parse((await run(runStat, ['secret', '--json'], around)).stdout).channels.length,
    (count) => count === 2,
  );
  await run(runPublish, ['secret', 'whispered'], around);

  assert.deepEqual(await tailing, { code: 0, stdout: 'whispered\n', stderr: '' });
});

test('ringmq tail: a topic without a channel keeps what waits in it', LIMIT, async () => {
  await publish('waiting', 'm');

  const { code, stderr } = await run(runTail, ['waiting']);

  assert.equal(code, 1);
  assert.match(stderr, /^1 messages wait in waiting for its first channel/);
});

test('ringmq top: rates between two looks', LIMIT, async () => {
  await run(runCreate, ['busy']);
  const words = ['--once', '--json', '--interval=1000'];
  const wait = async () => {
    for (let count = 0; count < 3; count++) await publish('busy', 'm');
  };

  const json = await run(runTop, words, { wait });
  const text = await run(runTop, ['--sort=name', '--limit=1'], { wait });
  const wrong = await run(runTop, ['--sort=size']);

  const busy = JSON.parse(json.stdout).topics[0];
  assert.deepEqual([busy.topic, busy.in, busy.out, busy.depth], ['busy', 3, 0, 3]);
  assert.match(text.stdout, /^http:\/\/127.* {2}OK {2}topics \d\nin\/s \d+ /);
  assert.equal(text.stdout.trim().split('\n').length, 4);
  assert.equal(wrong.code, 2);
});

test(
  'ringmq top: a live view is cut at the screen, and gives the terminal back',
  LIMIT,
  async () => {
    const interrupt = Promise.withResolvers<void>();
    let views = 0;
    const { code, stdout } = await run(runTop, [], {
      screen: { width: () => 20, height: () => 6 },
      interrupted: () => interrupt.promise,
      wait: async () => {
        if (++views < 3) return;
        interrupt.resolve();
        await new Promise(() => undefined);
      },
    });

    assert.equal(code, 0);
    assert.ok(stdout.startsWith('\x1b[?1049h\x1b[?25l\x1b[H'));
    assert.ok(stdout.endsWith('\x1b[?25h\x1b[?1049l'));
    assert.equal(stdout.split('\x1b[H').length - 1, 2, 'two views');
    for (const line of stdout.split('\x1b[H')[1].split('\n')) {
      assert.ok(line.replace('\x1b[K', '').length <= 20 || line.includes('\x1b[J'), line);
    }
  },
);

test('ringmq config: shows, sets and reloads', LIMIT, async () => {
  const rdy = await run(runConfig, ['get', 'max_rdy_count', '--json']);
  const level = await run(runConfig, ['set', 'log_level', 'debug']);
  const wrong = await run(runConfig, ['get', 'max_rdi_count']);
  writeFileSync(config, 'max_rdy_count = 50\nmax_msg_size = 7\n');
  const good = await run(runConfig, ['reload']);
  writeFileSync(access, 'nonsense');
  const bad = await run(runConfig, ['reload', '--json']);

  assert.deepEqual(JSON.parse(rdy.stdout), { max_rdy_count: 100 });
  assert.equal(level.stdout, 'debug\n');
  assert.deepEqual(
    [wrong.code, wrong.stderr],
    [1, 'there is no option "max_rdi_count"; "ringmq --print-config" shows all keys\n'],
  );
  assert.equal(
    good.stdout,
    'taken: access file, max_rdy_count, policies\nneeds a restart: max_msg_size\n',
  );
  assert.equal(bad.code, 1);
  assert.deepEqual(JSON.parse(bad.stdout).taken, ['policies']);
  assert.match(bad.stderr, /^access file: --http-access .*line 1/);
});

test('ringmq drain: asks before, and waits for the end', LIMIT, async () => {
  const refused = await run(runDrain, []);
  for (const topic of ['orders', 'tailed', 'waiting', 'busy']) {
    await fetch(`http://${env.RINGMQ_HTTP}/topic/delete?topic=${topic}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${env.RINGMQ_TOKEN}` },
    });
  }
  const { code, stdout } = await run(runDrain, ['--wait', '--yes'], {
    wait: () => broker.ended.then(() => undefined),
  });

  assert.deepEqual([refused.code, code, stdout], [4, 0, 'the broker has ended\n']);
  assert.deepEqual(await broker.ended, { code: 0, signal: null });
});

test(
  'ringmq verify and backup: what a kill leaves, and what a backup of a running broker has',
  LIMIT,
  async (t) => {
    const crashing = new BrokerSite(t);
    const flags = ['--mem-queue-size=0'];
    const killed = await crashing.start({ flags });
    for (const [path, body] of [
      ['/topic/create?topic=paid', null],
      ['/channel/create?topic=paid&channel=c', null],
      ['/mpub?topic=paid', 'a\nb\nc'],
      ['/pub?topic=paid&defer=3600000', 'later'],
      ['/mpub?topic=alone', 'd\ne'],
    ] as const) {
      assert.equal((await ask(killed, path, body)).status, 200, path);
    }
    const isThere = (stats: ChannelStats | undefined): boolean =>
      stats !== undefined && stats.depth + stats.deferred_count === 4;
    await until(() => channelStats(killed, 'paid', 'c'), isThere);

    const backup = `${crashing.dataPath}-backup`;
    t.after(() => rmSync(backup, { recursive: true, force: true }));
    const running = await runWords(runVerify, [crashing.dataPath, '--json']);
    const copied = await runWords(runBackup, [crashing.dataPath, backup]);
    await killed.kill();
    const after = await runWords(runVerify, [crashing.dataPath, '--json']);
    const restarted = await crashing.start({ flags });
    await until(() => channelStats(restarted, 'paid', 'c'), isThere);
    const alone = await topicStats(restarted, 'alone');
    await restarted.kill();
    rmSync(crashing.dataPath, { recursive: true });
    renameSync(backup, crashing.dataPath);
    const restored = await crashing.start({ flags });
    await until(() => channelStats(restored, 'paid', 'c'), isThere);
    const aloneInBackup = await topicStats(restored, 'alone');

    const { queues, usedBy, verdict } = JSON.parse(after.stdout);
    const counts = queues.map((queue: Record<string, unknown>) => {
      return [queue['topic'], queue['channel'], queue['messages'], queue['deferred']];
    });
    assert.match(JSON.parse(running.stdout).usedBy, /possibly in use by another instance/);
    assert.deepEqual([after.code, verdict, usedBy], [0, 'whole', null], after.stdout);
    assert.deepEqual(
      counts.sort(),
      [
        ['alone', null, 2, 0],
        ['paid', 'c', 4, 1],
        ['paid', null, 0, 0],
      ].sort(),
    );
    assert.equal(alone?.depth, 2);
    assert.equal(copied.code, 0, copied.stderr);
    assert.match(copied.stdout, /whole: 6 messages/);
    assert.equal(aloneInBackup?.depth, 2);
  },
);
