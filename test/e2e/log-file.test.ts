import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';

const LIMIT = { timeout: 120_000 };

/** The messages of a log of JSON lines, and what each says besides. */
function linesOf(file: string): Record<string, string>[] {
  if (!existsSync(file)) return [];
  const texts = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return texts.map((text) => JSON.parse(text));
}

test(
  '--log-file, --log-format=json: one object a line, and SIGHUP opens the file again',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const file = path.join(site.dataPath, 'broker.log');
    const has = (name: string, message: RegExp): Record<string, string> | undefined => {
      return linesOf(name).find((one) => message.test(one['message']));
    };
    const broker = site.launch({ flags: ['--log-format=json', `--log-file=${file}`] });
    const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    while (has(file, /HTTP: listening/) === undefined) await tick();
    broker.httpPort = Number(/:(\d+)$/.exec(has(file, /HTTP: listening/)?.['message'] ?? '')?.[1]);
    await ask(broker, '/topic/create?topic=orders', null);
    renameSync(file, `${file}.1`);
    broker.signal('SIGHUP');
    while (has(file, /reopened/) === undefined) await tick();
    await ask(broker, '/topic/create?topic=others', null);
    const ending = await broker.stop();

    assert.equal(has(`${file}.1`, /orders.*created/)?.['topic'], 'orders');
    assert.equal(has(file, /others.*created/)?.['topic'], 'others');
    assert.equal(has(file, /NSQ: bye/)?.['level'], 'info');
    assert.deepEqual([ending, broker.log], [{ code: 0, signal: null }, '']);
  },
);

test('--log-file: a file that cannot be opened ends the start, and says why', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const broker = site.launch({ flags: [`--log-file=${site.dataPath}`] });

  assert.deepEqual(await broker.ended, { code: 1, signal: null });
  assert.match(broker.log, /FATAL: failed to open log file .* - EISDIR/);
});
