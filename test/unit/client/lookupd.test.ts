import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Consumer } from '../../../src/client/consumer.ts';
import type { ConsumerOptions } from '../../../src/client/consumer-options.ts';
import { Producer } from '../../../src/client/producer.ts';
import { Journal } from '../../support/journal.ts';
import { LookupdSite } from '../../support/lookupd-site.ts';
import { idOf, messageFrame, ScriptedSite, settled } from '../../support/scripted-nsqd.ts';

/** An nsqlookupd that says what a test wants, truth or not. */
class Directory {
  readonly journal = new Journal();
  /** The answer; null: none at all. */
  answer: { status: number; body: string } | null = { status: 200, body: '{"producers":[]}' };
  url = '';
  authorization: string | undefined;

  static async start(t: TestContext): Promise<Directory> {
    const directory = new Directory();
    const server = createServer((request, response) => directory.#serve(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    // A server that listens on TCP has such an address.
    directory.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return directory;
  }

  /** Knows brokers at `host:port`. */
  knows(...addresses: string[]): void {
    const producers = addresses.map((text) => {
      const [host, port] = text.split(':');
      return { broadcast_address: host, tcp_port: Number(port) };
    });
    this.answer = { status: 200, body: JSON.stringify({ producers }) };
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.startsWith('/watch') === true) {
      response.writeHead(404).end();
      return;
    }
    this.authorization = request.headers.authorization;
    if (this.answer !== null) response.writeHead(this.answer.status).end(this.answer.body);
    this.journal.add(request.url ?? '');
  }
}

/** A consumer that asks, and its errors. */
function consumerOf(
  site: ScriptedSite,
  lookupd: string[],
  options: Partial<ConsumerOptions> = {},
): { consumer: Consumer; errors: Journal } {
  const consumer = new Consumer(
    { topic: 't', channel: 'c', lookupd, lookupdPollJitter: 0, heartbeatIntervalMs: 0, ...options },
    site.environment,
  );
  const errors = new Journal();
  consumer.on('error', (error) => errors.add(`${error.code} ${error.message}`));
  void consumer.run(() => undefined);
  return { consumer, errors };
}

test('lookupd: all are asked, and what any of them knows is connected to, once', async (t) => {
  const site = new ScriptedSite();
  const [first, second] = [await Directory.start(t), await Directory.start(t)];
  first.knows('one:4150', 'two:4150');
  second.knows('two:4150', 'three:4150');

  const { consumer } = consumerOf(site, [first.url, second.url]);
  await site.broker('three:4150').journal.until(/RDY/);
  await settled();

  assert.deepEqual(first.journal.lines, ['/lookup?topic=t']);
  assert.deepEqual(second.journal.lines, ['/lookup?topic=t']);
  const connected = ['one', 'two', 'three'].map(
    (name) => site.broker(`${name}:4150`).journal.matching(/connected/).length,
  );
  assert.deepEqual(connected, [1, 1, 1]);
  await consumer.close();
});

test('lookupd: until the topic is somewhere, it asks often; then at intervals', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  directory.answer = { status: 404, body: '{"message":"TOPIC_NOT_FOUND"}' };
  const { consumer, errors } = consumerOf(site, [directory.url]);
  await asked(directory, 1);
  site.clock.advance(1000);
  await asked(directory, 2);
  site.clock.advance(2000);
  await asked(directory, 3);

  directory.knows('one:4150');
  site.clock.advance(4000);
  await site.broker('one:4150').journal.until(/RDY/);
  site.clock.advance(59_000);
  await settled();
  const before = directory.journal.lines.length;
  site.clock.advance(2000);
  await asked(directory, 5);

  assert.equal(before, 4);
  assert.deepEqual(errors.lines, []);
  await consumer.close();
});

test('lookupd: the interval is left to chance by the jitter', async (t) => {
  const intervals: number[] = [];
  for (const seed of [11, 12, 13]) {
    const site = new ScriptedSite(seed);
    const directory = await Directory.start(t);
    directory.knows('one:4150');
    const { consumer } = consumerOf(site, [directory.url], { lookupdPollJitter: 0.5 });
    await site.broker('one:4150').journal.until(/RDY/);
    let ms = 0;
    while (directory.journal.lines.length < 2) {
      site.clock.advance(1000);
      ms += 1000;
      await answersCome();
    }
    intervals.push(ms);
    await consumer.close();
  }

  assert.ok(
    intervals.every((ms) => ms >= 45_000 && ms <= 76_000),
    String(intervals),
  );
  assert.ok(new Set(intervals).size > 1, String(intervals));
});

test('lookupd: lies and nonsense are errors, and change nothing', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  directory.knows('one:4150');
  const { consumer, errors } = consumerOf(site, [directory.url], {
    lookupdPollIntervalMs: 1000,
  });
  await site.broker('one:4150').journal.until(/RDY/);
  const answers = [
    { status: 500, body: 'INTERNAL_ERROR' },
    { status: 200, body: 'nonsense' },
    { status: 200, body: '{}' },
    { status: 200, body: 'null' },
    { status: 200, body: '{"producers":7}' },
    { status: 200, body: `{"producers":[],"x":"${'y'.repeat(5 * 1024 * 1024)}"}` },
  ];

  for (const [index, answer] of answers.entries()) {
    directory.answer = answer;
    site.clock.advance(1100);
    await errors.until(/LOOKUP_FAILED/, index + 1);
  }
  const producers = [
    null,
    7,
    { broadcast_address: 'x y', tcp_port: 4150 },
    { broadcast_address: 'two', tcp_port: 70_000 },
    { broadcast_address: '', tcp_port: 4150 },
    { broadcast_address: '../../etc', tcp_port: 4150 },
    { hostname: 'three', tcp_port: 4150 },
  ];
  directory.answer = { status: 200, body: JSON.stringify({ data: { producers } }) };
  site.clock.advance(1100);
  await site.broker('three:4150').journal.until(/RDY/);

  assert.equal(consumer.stats().connectionCount, 2);
  assert.deepEqual(site.broker('one:4150').journal.matching(/closed/), []);
  await consumer.close();
});

test('lookupd: one that does not answer is given up, and the others count', async (t) => {
  const site = new ScriptedSite();
  const [silent, good] = [await Directory.start(t), await Directory.start(t)];
  silent.answer = null;
  good.knows('one:4150');
  const { consumer, errors } = consumerOf(site, [silent.url, good.url], { lookupdTimeoutMs: 500 });
  await asked(silent, 1);
  await asked(good, 1);

  site.clock.advance(600);
  await errors.until(/no answer within 500 ms/);
  await site.broker('one:4150').journal.until(/RDY/);

  assert.equal(consumer.stats().connectionCount, 1);
  await consumer.close();
});

test('lookupd: a broker that is lost is asked for, and forgotten when it is not listed', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  directory.knows('old:4150');
  const { consumer } = consumerOf(site, [directory.url]);
  const old = site.broker('old:4150');
  await old.journal.until(/RDY/);
  directory.knows('new:4150');

  old.isDown = true;
  old.hangUp();
  for (let tenth = 0; tenth < 15; tenth++) {
    await settled();
    site.clock.advance(100);
  }
  await site.broker('new:4150').journal.until(/RDY/);
  old.isDown = false;
  site.clock.advance(40_000);
  await settled();

  assert.equal(old.journal.matching(/connected/).length, 1);
  await consumer.close();
});

test('lookupd: a broker that the options name stays, whatever is listed', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  const { consumer } = consumerOf(site, [directory.url], { nsqd: ['fixed:4150'] });
  const fixed = site.broker('fixed:4150');
  await fixed.journal.until(/RDY/);

  fixed.hangUp();
  for (let tenth = 0; tenth < 15; tenth++) {
    await settled();
    site.clock.advance(100);
  }
  await fixed.journal.until(/RDY/, 2);

  assert.equal(consumer.stats().connectionCount, 1);
  await consumer.close();
});

test('lookupd: paths and queries of its URL are kept, and the secret is sent when it is asked for', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  const { consumer } = consumerOf(site, [`${directory.url}/proxy/lookup?env=eu`], {
    authSecret: 'open sesame',
    lookupdAuthorization: true,
  });
  await asked(directory, 1);

  assert.deepEqual(directory.journal.lines, ['/proxy/lookup?env=eu&topic=t']);
  assert.equal(directory.authorization, 'Bearer open sesame');
  await consumer.close();
});

test('lookupd: the secret stays here otherwise', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  const { consumer } = consumerOf(site, [directory.url.replace('http://', '')], {
    authSecret: 'open sesame',
  });
  await asked(directory, 1);

  assert.equal(directory.authorization, undefined);
  await consumer.close();
});

test('lookupd: close while it asks, and it asks no more', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  directory.answer = null;
  const { consumer } = consumerOf(site, [directory.url]);
  await asked(directory, 1);

  await consumer.close();
  site.clock.advance(120_000);
  await settled();

  assert.deepEqual(directory.journal.lines.length, 1);
});

test('Producer: brokers that nsqlookupd names are used', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  directory.knows('one:4150');
  const producer = new Producer({ lookupd: [directory.url] }, site.environment);

  await producer.publish('a', '1');
  await producer.close();

  assert.deepEqual(directory.journal.lines, ['/nodes']);
  assert.deepEqual(site.broker('one:4150').published, ['1']);
});

test('Consumer: a grant goes round among more brokers than messages', async (t) => {
  const site = new ScriptedSite();
  const directory = await Directory.start(t);
  const names = ['one:4150', 'two:4150', 'three:4150'];
  directory.knows(...names);
  const { consumer } = consumerOf(site, [directory.url], {
    maxInFlight: 1,
    heartbeatIntervalMs: 0,
  });
  for (const name of names) await site.broker(name).journal.until(/SUB/);

  for (let second = 0; second < 600; second += 5) {
    site.clock.advance(5000);
    await settled();
  }

  for (const name of names) {
    assert.ok(site.broker(name).journal.matching(/RDY 1/).length > 0, `${name} had its turn`);
  }
  site.broker('one:4150').deliver(messageFrame(idOf(1), 'x'));
  await site.broker('one:4150').journal.until(/FIN/);
  await consumer.close();
});

/** Resolves when the directory was asked so often, and its answers have come. */
async function asked(directory: Directory, count: number): Promise<void> {
  await directory.journal.until(/./, count);
  await answersCome();
}

/** Lets answers over real sockets come. */
async function answersCome(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await settled();
}

test('lookupd: where a topic can be watched, a broker is connected to as soon as it registers', async (t) => {
  const site = new ScriptedSite();
  const lookupd = await LookupdSite.start(t);
  const { consumer, errors } = consumerOf(site, [lookupd.url]);
  // the only poll, because the clock stands still
  await lookupd.log.until(/404 GET \/lookup/);
  await lookupd.log.until(/200 GET \/watch/);

  await lookupd.broker(1, 't c');
  await site.broker('n1.test:4151').journal.until(/RDY/);
  await lookupd.broker(2, 't');
  await site.broker('n2.test:4152').journal.until(/RDY/);

  assert.equal(lookupd.log.matching(/GET \/lookup/).length, 1);
  assert.deepEqual(errors.lines, []);
  assert.equal(site.broker('n1.test:4151').journal.matching(/connected/).length, 1);
  await consumer.close();
});
