import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { BrokerProcess } from '../../scripts/kit/broker.ts';
import { BrokerSite } from '../support/broker-process.ts';

const COMMAND = ['scripts/ringmq.cjs', 'admin', '--http-address=127.0.0.1:0'];

test('ringmq admin: shows and steers a broker, SIGTERM ends it, and without a broker it does not start', {
  timeout: 120_000,
}, async (t) => {
  const broker = await new BrokerSite(t).start({ flags: ['--broadcast-address=127.0.0.1'] });
  const node = `127.0.0.1:${broker.httpPort}`;
  await fetch(`http://${node}/pub?topic=orders`, { method: 'POST', body: 'one' });
  const words = [...COMMAND, `--nsqd-http-address=${node}`];
  const admin = new BrokerProcess(
    spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  t.after(() => admin.kill());
  const [, port] = await admin.logged(/HTTP: listening on .*:(\d+)\n/);
  const url = `http://127.0.0.1:${port}`;

  const topics = await (await fetch(`${url}/api/topics`)).json();
  const body = '{"action":"pause"}';
  const paused = await (await fetch(`${url}/api/topics/orders`, { method: 'POST', body })).json();
  const topic = await (await fetch(`${url}/api/topics/orders`)).text();
  const page = await (await fetch(`${url}/topics/orders`)).text();
  process.kill(admin.pid, 'SIGTERM');

  assert.deepEqual(topics, { topics: ['orders'], message: '' });
  assert.deepEqual(paused, { message: '' });
  assert.match(
    topic,
    /^\{"node":"\*","hostname":"","topic_name":"orders","depth":1,.*"paused":true,/,
  );
  assert.match(page, /<script type="module" src="\/ui\/fleet\.js">/);
  assert.deepEqual(await admin.ended, { code: 0, signal: null });
  assert.match(admin.log, /^\[nsqadmin\] \S+ \S+ INFO: nsqadmin v1\.3\.0 \(built w\//m);
  const refused = spawnSync(process.execPath, COMMAND, { encoding: 'utf8' });
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /^\[nsqadmin\] \S+ \S+ FATAL: failed to instantiate nsqadmin - --nsqd-http-address or --lookupd-http-address required$/m,
  );
});
