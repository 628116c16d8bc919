import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';

const LIMIT = { timeout: 120_000 };
const REFUSED = { code: 1, signal: null };

test(
  'a second broker on the same data directory is refused, the first goes on',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    const second = site.launch();

    assert.deepEqual(await second.ended, REFUSED);
    assert.match(
      lastLine(second.log),
      process.platform === 'linux'
        ? new RegExp(
            `cannot flock directory .* \\(possibly in use by .*\\); it is held by process ${first.pid} \\(.+\\)\n$`,
          )
        : /FATAL: failed to instantiate nsqd - failed to lock data-path: .* \(possibly in use by/,
    );
    assert.ok(lastLine(second.log).includes(site.dataPath));
    assert.deepEqual(await ask(first, '/ping'), { status: 200, text: 'OK' });
    await first.stop();
    await site.start();
  },
);

test('a data directory that is not there is refused', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const missing = join(site.dataPath, 'missing');
  const broker = site.launch({ flags: [`--data-path=${missing}`] });

  assert.deepEqual(await broker.ended, REFUSED);
  assert.ok(
    lastLine(broker.log).endsWith(
      `FATAL: failed to instantiate nsqd - failed to lock data-path: "${missing}" does not exist\n`,
    ),
    broker.log,
  );
  assert.deepEqual(readdirSync(site.dataPath), []);
});

for (const kind of ['tcp', 'http']) {
  test(`a ${kind} port that is in use is refused, and nothing is left behind`, LIMIT, async (t) => {
    const site = new BrokerSite(t);
    const port = await occupyPort(t);
    const broker = site.launch({ flags: [`--${kind}-address=127.0.0.1:${port}`] });

    assert.deepEqual(await broker.ended, REFUSED);
    const reason = `listen (127.0.0.1:${port}) failed - address already in use; it is the address of --${kind}-address`;
    assert.ok(
      lastLine(broker.log).includes(`FATAL: failed to instantiate nsqd - ${reason}`),
      broker.log,
    );
    // nsqd writes its list of topics before it listens, and so may this.
    assert.deepEqual(
      readdirSync(site.dataPath).filter((name) => name !== 'nsqd.dat'),
      [],
    );
    await site.start();
  });
}

test('metadata that cannot be understood is refused, and kept', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  writeFileSync(join(site.dataPath, 'nsqd.dat'), '{"topics":');
  const broker = site.launch();

  assert.deepEqual(await broker.ended, REFUSED);
  assert.match(lastLine(broker.log), /FATAL: .*nsqd\.dat/);
  assert.deepEqual(readdirSync(site.dataPath), ['nsqd.dat']);
});

test('a flag that is not known ends with 2', LIMIT, async (t) => {
  const broker = new BrokerSite(t).launch({ flags: ['--no-such-flag=1'] });

  assert.deepEqual(await broker.ended, { code: 2, signal: null });
  assert.match(broker.log, /^flag provided but not defined: -no-such-flag\n/);
});

for (const word of ['stats', 'verison']) {
  test(`the word ${word} starts no broker, and leaves nothing behind`, LIMIT, async (t) => {
    const site = new BrokerSite(t);
    const broker = site.launch({ command: word });

    assert.deepEqual(await broker.ended, { code: 2, signal: null });
    assert.match(broker.log, new RegExp(`^unknown command "${word}"; did you mean `));
    assert.deepEqual(readdirSync(site.dataPath), []);
  });
}

test(
  'help goes to standard output, and to a program that reads standard error as well',
  LIMIT,
  () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['src/main/index.ts', '--help'],
      {
        encoding: 'utf8',
      },
    );
    const script = '"$0" src/main/index.ts --help 2>&1';
    const merged = spawnSync('sh', ['-c', script, process.execPath], { encoding: 'utf8' });

    assert.match(stdout, /^RingMQ .*? -tcp-address string\n/s);
    assert.deepEqual([stderr, merged.stdout, status], [stdout, stdout, 0]);
  },
);

function lastLine(log: string): string {
  return log.slice(log.lastIndexOf('\n', log.length - 2) + 1);
}

/** A port of this machine that somebody listens on. */
async function occupyPort(t: TestContext): Promise<number> {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}
