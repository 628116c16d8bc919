import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { readQueueFiles } from '../support/disk-files.ts';
import { type Method, throwingPreload } from '../support/throwing-preload.ts';

const LIMIT = { timeout: 120_000 };

/** What the clean shutdown calls, in its order. */
const STEPS: readonly Method[] = [
  { module: 'main/tcp/tcp-server.ts', owner: 'TcpServer', name: 'close' },
  { module: 'main/http/http-servers.ts', owner: 'HttpServers', name: 'stop' },
  { module: 'main/peers/lookupd/lookupd.ts', owner: 'Lookupd', name: 'stop' },
  { module: 'daemon/http-client.ts', owner: 'HttpClient', name: 'close' },
  { module: 'main/storage/storage.ts', owner: 'Storage', name: 'close' },
  { module: 'main/pumps/pump-handle.ts', owner: 'PumpHandle', name: 'flush' },
  { module: 'main/pumps/pump-handle.ts', owner: 'PumpHandle', name: 'close' },
  { module: 'main/storage/storage.ts', owner: 'Storage', name: 'stop' },
];

for (const method of STEPS) {
  const where = `${method.owner}.${method.name}`;
  test(
    `a bug in ${where} at the end costs no message, and is told by the exit code`,
    LIMIT,
    async (t) => {
      const site = new BrokerSite(t);
      const trigger = join(site.dataPath, 'throw-now');
      const broker = await site.start({
        nodeFlags: ['--import', throwingPreload(method, 'AssertionError', trigger)],
      });
      for (const body of ['one', 'two', 'three']) await ask(broker, '/pub?topic=kept', body);

      writeFileSync(trigger, '');
      broker.signal('SIGTERM');
      const ending = await broker.ended;

      assert.deepEqual(ending, { code: 1, signal: null });
      assert.match(
        broker.log,
        /FATAL: this is a bug in ringmq, which ends it - AssertionError: provoked at /,
      );
      assert.equal(broker.log.match(/FATAL/g)?.length, 1);
      assert.match(broker.log, /INFO: messages in memory are saved to disk\n/);
      const { messages, problems } = filesOf(site.dataPath);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        messages.map(({ body }) => body),
        ['one', 'two', 'three'],
      );
      assert.match(readFileSync(join(site.dataPath, 'nsqd.dat'), 'utf8'), /"name":"kept"/);
    },
  );
}

/** What nsqd finds of the topic. */
function filesOf(dataPath: string): ReturnType<typeof readQueueFiles> {
  const content = (name: string): Buffer => readFileSync(join(dataPath, name));
  return readQueueFiles({ names: readdirSync(dataPath), content }, 'kept');
}
