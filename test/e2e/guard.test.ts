import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { line, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const ASSERT_URL = new URL('../../src/shared/assert.ts', import.meta.url).href;

/**
 * Runs before everything else in each thread: taking a TCP client on throws what the file says, once it is there:
 * "input" for what a client may have caused, "bug" for what must not be.
 */
function throwingPreload(file: string): string {
  // In a bundle the class of errors is another one.
  const code = `
    process.env['RINGMQ_BUNDLES'] = 'off';
    import { readFileSync } from 'node:fs';
    import { Socket } from 'node:net';
    import { AssertionError } from ${JSON.stringify(ASSERT_URL)};
    const { setNoDelay } = Socket.prototype;
    Socket.prototype.setNoDelay = function (...words) {
      let kind = '';
      try {
        kind = readFileSync(${JSON.stringify(file)}, 'utf8');
      } catch {}
      if (kind === 'input') throw new TypeError('provoked');
      if (kind === 'bug') throw new AssertionError('provoked');
      return setNoDelay.apply(this, words);
    };
  `;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function nested(depth: number): Buffer {
  const json = `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
  return Buffer.concat([line('IDENTIFY'), sized(json)]);
}

test('JSON that is nested deep costs nobody but its sender', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  await ask(broker, '/pub?topic=kept', 'a message');
  const answers = async (depth: number): Promise<string[]> => {
    const client = await WireClient.connect(t, broker, nested(depth));
    client.halfClose();
    return await client.textsToEnd();
  };
  const refusal = 'error: E_BAD_BODY IDENTIFY failed to decode JSON body';

  assert.deepEqual(await answers(2_400), ['OK']);
  assert.deepEqual(await answers(10_000), ['OK']);
  assert.deepEqual(await answers(10_001), [refusal]);
  assert.deepEqual(await answers(32_000), [refusal]);
  assert.deepEqual(await answers(50_000), [
    'error: E_BAD_BODY IDENTIFY body too big 100004 > 65536',
  ]);

  assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
  assert.equal((await topicStats(broker, 'kept'))?.depth, 1);
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
});

test('what a client makes throw ends that client, and is counted', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const trigger = join(site.dataPath, 'throw-now');
  const broker = await site.start({ nodeFlags: ['--import', throwingPreload(trigger)] });
  const other = await WireClient.connect(t, broker, line('SUB', 't', 'c'));
  assert.equal(await other.nextText(), 'OK');

  writeFileSync(trigger, 'input');
  const client = await WireClient.connect(t, broker);
  assert.deepEqual(await client.textsToEnd(), []);
  writeFileSync(trigger, '');

  await ask(broker, '/pub?topic=t', 'still here');
  other.send(line('RDY', 1));
  assert.equal(await other.nextText(), 'message: still here');
  assert.match(
    broker.log,
    /ERROR: a new TCP client: its input cannot be handled - TypeError: provoked at /,
  );
  const statistics = JSON.parse((await ask(broker, '/stats?format=json')).text);
  assert.equal(statistics.failed_input_count, 1);
  const { text } = await ask(broker, '/stats');
  assert.match(text, /^Inputs that could not be handled: 1$/m);
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
});

test('a bug ends the broker, loudly, with what is in memory on disk', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const trigger = join(site.dataPath, 'throw-now');
  const broker = await site.start({ nodeFlags: ['--import', throwingPreload(trigger)] });
  for (const body of ['one', 'two', 'three']) await ask(broker, '/pub?topic=kept', body);
  const consumer = await WireClient.connect(t, broker, line('SUB', 'kept', 'c'), line('RDY', 1));
  assert.equal(await consumer.nextText(), 'OK');
  assert.equal(await consumer.nextText(), 'message: one');

  writeFileSync(trigger, 'bug');
  await WireClient.connect(t, broker);
  const ending = await broker.ended;
  writeFileSync(trigger, '');

  assert.deepEqual(ending, { code: 1, signal: null });
  assert.match(
    broker.log,
    /FATAL: this is a bug in ringmq, which ends it - AssertionError: provoked/,
  );
  assert.match(broker.log, /INFO: messages in memory are saved to disk\n$/);
  const next = await site.start();
  assert.equal((await topicStats(next, 'kept'))?.channels[0].depth, 3);
  assert.deepEqual(await next.stop(), { code: 0, signal: null });
});
