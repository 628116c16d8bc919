/** The examples of the documentation are right: the compiler accepts them, and they run with a broker. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BrokerSite } from '../../support/broker-process.ts';
import { ask, channelStats, until } from '../../support/broker-stats.ts';
import { documentedExamples } from '../../support/documented-examples.ts';

const PROJECT = path.dirname(path.dirname(path.dirname(import.meta.dirname)));
const RUNNER = path.join(PROJECT, 'test/support/example-worker.ts');
const LIMIT = { timeout: 300_000 };

/** Inside of the project, where packages are found. */
const directory = mkdtempSync(path.join(PROJECT, '.examples-'));
after(() => rmSync(directory, { recursive: true }));
const examples = documentedExamples().map((example, index) => ({
  ...example,
  file: path.join(directory, `example-${index}.ts`),
}));

test('documentation: the compiler accepts all examples', LIMIT, () => {
  for (const { file, code } of examples) writeFileSync(file, `${code}\n`);
  const config = { extends: '../tsconfig.json', include: ['*.ts'] };
  writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify(config));

  const compiler = path.join(PROJECT, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '--project', directory], {
    encoding: 'utf8',
  });

  const named = examples.reduce(
    (text, { file, where }) => text.replaceAll(path.basename(file), where),
    stdout,
  );
  assert.equal(named, '');
});

test('documentation: all examples run', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const lookupd = await startLookupd(t, broker.tcpPort);
  await ask(broker, '/topic/create?topic=orders', null);
  await ask(broker, '/channel/create?topic=orders&channel=billing', null);

  let worker: Worker | null = null;
  let complaints = '';
  const startWorker = (): Worker => {
    const started = new Worker(RUNNER, { stdout: true, stderr: true });
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text;
    });
    return started;
  };
  const stop = async (): Promise<void> => {
    await worker?.terminate();
    worker = null;
  };
  t.after(stop);
  for (const { file, where, code } of examples) {
    await t.test(where, async () => {
      await ask(broker, '/pub?topic=orders', '{"id":7}');
      const isBroker = code.includes('createBroker(');
      const text = code
        .replaceAll('127.0.0.1:4150', `127.0.0.1:${isBroker ? 0 : broker.tcpPort}`)
        .replaceAll('127.0.0.1:4151', '127.0.0.1:0')
        .replaceAll('127.0.0.1:4161', lookupd)
        .replaceAll('/var/lib/orders', mkdtempSync(path.join(directory, 'data-')));
      writeFileSync(file, `${text}\n`);
      worker ??= startWorker();
      worker.postMessage(pathToFileURL(file).href);
      if (isEndless(code)) {
        await until(
          () => channelStats(broker, 'orders', 'billing'),
          (stats) => stats?.depth === 0 && stats.in_flight_count === 0,
        );
        await stop();
      } else assert.deepEqual(await once(worker, 'message'), ['ended']);
    });
  }

  assert.equal(complaints, '');
});

/** Whether an example consumes until it is stopped from outside. */
function isEndless(code: string): boolean {
  const isConsuming = /consumer\.run\(|for await/.test(code);
  const isEmbedded = code.includes('createBroker(');
  return (
    isConsuming &&
    !isEmbedded &&
    !/\bconsumer\.close\(/.test(code.replaceAll(/process\.once.*/g, ''))
  );
}

/** An nsqlookupd that knows one broker for every topic. Resolves with `host:port`. */
async function startLookupd(t: TestContext, tcpPort: number): Promise<string> {
  const producers = [{ broadcast_address: '127.0.0.1', tcp_port: tcpPort }];
  const server = createServer((_, response) => response.end(JSON.stringify({ producers })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // A server that listens on TCP has such an address.
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
