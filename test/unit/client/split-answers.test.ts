/** Answers of a broker that come in two pieces, and what comes behind them in the second one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { Consumer } from '../../../src/client/consumer.ts';
import { Producer } from '../../../src/client/producer.ts';
import { response, ScriptedSite, settled } from '../../support/scripted-nsqd.ts';

const GRANT = { max_rdy_count: 2500, msg_timeout: 60_000, max_msg_timeout: 900_000 };

test('Consumer: an answer in two pieces, and a heartbeat behind it', async () => {
  const answer = response(JSON.stringify(GRANT));
  const bytes = Buffer.concat([answer, response('_heartbeat_')]);

  for (let cut = 1; cut < answer.length; cut++) {
    const site = new ScriptedSite();
    const broker = site.broker();
    broker.answer = ({ line }) => (line === 'IDENTIFY' ? null : undefined);
    const options = { topic: 't', channel: 'c', nsqd: ['broker:4150'] };
    const consumer = new Consumer(options, site.environment);
    void consumer.run(() => undefined);
    await broker.journal.until(/IDENTIFY/);

    broker.say(bytes.subarray(0, cut));
    await settled();
    broker.say(bytes.subarray(cut));
    await settled();

    const told = broker.journal.matching(/SUB|RDY|NOP/).toSorted();
    assert.deepEqual(told, ['NOP', 'RDY 200', 'SUB t c'], `cut after ${cut} bytes`);
    await consumer.close();
  }
});

test('Producer: an answer in two pieces, and compressed bytes behind it', async () => {
  const compressed = deflateRawSync(response('OK'), { finishFlush: constants.Z_SYNC_FLUSH });
  const bytes = Buffer.concat([response(JSON.stringify({ ...GRANT, deflate: true })), compressed]);

  for (let cut = 1; cut < bytes.length; cut += 3) {
    const site = new ScriptedSite();
    const broker = site.broker();
    broker.answer = ({ line }) => (line === 'IDENTIFY' ? null : undefined);
    const producer = new Producer({ nsqd: ['broker:4150'], deflate: true }, site.environment);
    const connected = producer.connect();
    await broker.journal.until(/IDENTIFY/);

    broker.say(bytes.subarray(0, cut));
    await settled();
    broker.say(bytes.subarray(cut));

    await connected;
    await producer.close();
  }
});
