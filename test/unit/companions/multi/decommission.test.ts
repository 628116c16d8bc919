import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ChildListener } from '../../../../src/companions/multi/child-program.ts';
import { Decommission } from '../../../../src/companions/multi/decommission.ts';
import { Member } from '../../../../src/companions/multi/member.ts';
import { Supervised } from '../../../../src/companions/multi/supervised.ts';
import { BrokerHttp } from '../../../../src/companions/operator/broker-http.ts';
import type { Broker } from '../../../../src/embedded/broker.ts';
import { createBroker } from '../../../../src/embedded/create-broker.ts';
import { Journal } from '../../../support/journal.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const LIMIT = { timeout: 20_000 };
const HOST = '127.0.0.1';
const HOUR_MS = 3_600_000;
/** Longer than what a page shows of a body. */
const LARGE = Buffer.alloc(100_000, 'x');
/** No text. */
const BYTES = Buffer.from([0xff, 0, 0xfe, 0x0a]);

async function makeBroker(t: TestContext): Promise<Broker> {
  const broker = await createBroker({ memory: true, httpAddress: `${HOST}:0` });
  t.after(() => broker.close({ deadlineMs: 0 }));
  return broker;
}

/** A broker of multi that runs in this process. */
function memberOf(
  broker: Broker,
  setup: { name: string; dataPath: string; isLeaving: boolean; clock: ManualClock; log: Journal },
): Member {
  const { name, dataPath, isLeaving, clock, log } = setup;
  const tell = (text: string): void => void log.add(text);
  const children: ChildListener[] = [];
  const process = new Supervised({
    ...{ name, words: [], clock, onLine: () => undefined },
    logger: { info: tell, warn: tell, error: tell },
    launch: (_, listener) => {
      children.push(listener);
      return { pid: 1, signal: () => listener.onEnded({ code: 0, signal: null }) };
    },
  });
  void process.start();
  children[0].onServing({ tcpPort: 0, httpPort: broker.httpPort });
  const addresses = { tcpAddress: `${HOST}:0`, httpAddress: `${HOST}:0` };
  return new Member({ name, dataPath, isLeaving, words: [] }, process, addresses);
}

test(
  'Decommission: what can go to the others goes, the rest waits for consumers, and then it leaves',
  LIMIT,
  async (t) => {
    const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-decommission-'));
    t.after(() => rmSync(dataPath, { recursive: true, force: true }));
    const [from, to] = [await makeBroker(t), await makeBroker(t)];
    const http = new BrokerHttp({ address: `${HOST}:${from.httpPort}` }, {});
    for (const queue of ['solo&channel=c', 'pair&channel=a', 'pair&channel=b', 'held&channel=d']) {
      await http.ask('POST', `/topic/create?topic=${queue.split('&')[0]}`);
      await http.ask('POST', `/channel/create?topic=${queue}`);
    }
    await http.ask('POST', '/channel/pause?topic=held&channel=d');
    await from.publishMany('solo', [LARGE, 'text', BYTES]);
    await from.publish('solo', 'late', { delayMs: HOUR_MS });
    await from.publish('pair', 'both');
    await from.publish('held', 'paused');
    await from.publishMany('bare', ['1', '2']);
    const log = new Journal();
    const clock = new ManualClock(0, BigInt(Date.now()) * 1_000_000n);
    const around = { dataPath, clock, log };
    const member = memberOf(from, { name: 'broker-2', isLeaving: true, ...around });
    const other = memberOf(to, { name: 'broker-1', isLeaving: false, ...around });
    const decommission = new Decommission({
      member,
      others: () => [other],
      maxMsgSize: 1_048_576,
      maxBodySize: 5_242_880,
      maxReqTimeoutMs: HOUR_MS,
      env: {},
      clock,
      logger: { info: log.add, warn: log.add, error: log.add },
    });

    const left = decommission.run();
    await log.until(
      /^broker-2 leaves: it waits for consumers: pair:a is not the only channel of its topic; pair:b is not/,
    );
    await http.ask('POST', '/channel/empty?topic=pair&channel=a');
    await http.ask('POST', '/channel/empty?topic=pair&channel=b');
    clock.advance(1000);
    await left;

    await log.until(/^broker-2 has left: 7 messages were moved, its directory is removed$/);
    const { topics } = await to.stats();
    const found = topics?.map(({ name, depth, channels }) => [
      ...[name, depth],
      ...channels.map((channel) => [
        channel.name,
        channel.depth,
        channel.deferredCount,
        channel.isPaused,
      ]),
    ]);
    assert.deepEqual(found, [
      ['bare', 2],
      ['held', 0, ['d', 1, 0, true]],
      ['pair', 0, ['a', 0, 0, false], ['b', 0, 0, false]],
      ['solo', 0, ['c', 3, 1, false]],
    ]);
    const bodies: Buffer[] = [];
    for await (const message of to.messages('solo', 'c')) {
      bodies.push(Buffer.from(message.body));
      await message.finish();
      if (bodies.length === 3) break;
    }
    assert.deepEqual(bodies.map(String).sort(), [LARGE, 'text', BYTES].map(String).sort());
    assert.deepEqual([existsSync(dataPath), member.process.state], [false, 'ended']);
  },
);
