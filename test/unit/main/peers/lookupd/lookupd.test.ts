import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../../../../src/daemon/guard.ts';
import { HttpClient, type HttpResponse } from '../../../../../src/daemon/http-client.ts';
import { Lookupd } from '../../../../../src/main/peers/lookupd/lookupd.ts';
import type { BrokerIdentity } from '../../../../../src/main/peers/lookupd/peer-info.ts';
import { parseTopicName, type TopicName } from '../../../../../src/shared/names.ts';
import { deadPort, FakeLookupd } from '../../../../support/fake-lookupd.ts';
import { Journal, journalLogger } from '../../../../support/journal.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const IDENTITY: BrokerIdentity = {
  broadcastAddress: 'b',
  hostname: 'h',
  httpPort: 2,
  tcpPort: 1,
  topologyRegion: '',
  topologyZone: '',
};
const TOPIC = topicName('t');

type Setup = {
  readonly lookupd: Lookupd;
  readonly clock: ManualClock;
  readonly guard: Guard;
  readonly log: Journal;
  /** URLs that were answered. */
  readonly answers: Journal;
  /** The broker's topics with their channels. */
  readonly topics: Map<string, Map<string, true>>;
};

function topicName(text: string): TopicName {
  const name = parseTopicName(text);
  if (name === undefined) throw new Error(`"${text}" is not a topic name`);
  return name;
}

function makeLookupd(t: TestContext): Setup {
  const clock = new ManualClock();
  const { logger, log } = journalLogger();
  const guard = new Guard(clock, logger);
  const http = new HttpClient({
    connectTimeoutMs: 2000,
    requestTimeoutMs: 5000,
    tls: {},
    clock,
  });
  const answers = new Journal();
  const get = async (url: string): Promise<HttpResponse> => {
    const response = await http.get(url);
    answers.add(url);
    return response;
  };
  const topics = new Map<string, Map<string, true>>();
  const lookupd = new Lookupd({
    topics: () => [...topics].map(([name, channels]) => ({ name, channels })),
    addresses: [],
    replyBytesMax: 1000,
    http: { get },
    clock,
    guard,
    logger,
  });
  t.after(() => {
    lookupd.stop();
    return http.close();
  });
  return { lookupd, clock, guard, log, answers, topics };
}

/** Starts, and resolves when each fake has been told everything. */
async function startWith(setup: Setup, fakes: readonly FakeLookupd[]): Promise<void> {
  setup.lookupd.setAddresses(fakes.map(({ address }) => address));
  setup.lookupd.start(IDENTITY);
  await setup.log.until(/to register/, fakes.length);
}

function commandsOf(fake: FakeLookupd): string[] {
  return fake.journal.matching(/REGISTER/);
}

test('Lookupd: registers each topic and its channels with everybody', async (t) => {
  const fakes = [await FakeLookupd.start(t), await FakeLookupd.start(t)];
  const setup = makeLookupd(t);
  setup.topics.set('bare', new Map());
  setup.topics.set(
    'full',
    new Map([
      ['a', true],
      ['b', true],
    ]),
  );

  await startWith(setup, fakes);
  await Promise.all(fakes.map(({ journal }) => journal.until(/full b/)));

  const commands = ['REGISTER bare', 'REGISTER full', 'REGISTER full a', 'REGISTER full b'];
  assert.deepStrictEqual(fakes.map(commandsOf), [commands, commands]);
});

test('Lookupd: after the start a topic with channels is registered by its channels alone', async (t) => {
  const early = await FakeLookupd.start(t);
  const late = await FakeLookupd.start(t);
  const setup = makeLookupd(t);
  setup.topics.set('bare', new Map());
  setup.topics.set('full', new Map([['a', true]]));
  await startWith(setup, [early]);

  setup.lookupd.setAddresses([early.address, late.address]);
  await late.journal.until(/full a/);

  assert.deepStrictEqual(commandsOf(late), ['REGISTER bare', 'REGISTER full a']);
});

test('Lookupd: tells everybody of what is created and deleted, in order', async (t) => {
  const fakes = [await FakeLookupd.start(t), await FakeLookupd.start(t)];
  const setup = makeLookupd(t);
  await startWith(setup, fakes);

  setup.lookupd.onTopicCreated('t');
  setup.lookupd.onChannelCreated('t', 'c#ephemeral');
  setup.lookupd.onChannelDeleted('t', 'c#ephemeral');
  setup.lookupd.onTopicDeleted('t');
  await Promise.all(fakes.map(({ journal }) => journal.until(/UNREGISTER t$/)));

  const commands = [
    'REGISTER t',
    'REGISTER t c#ephemeral',
    'UNREGISTER t c#ephemeral',
    'UNREGISTER t',
  ];
  assert.deepStrictEqual(fakes.map(commandsOf), [commands, commands]);
  assert.deepStrictEqual(setup.log.matching(new RegExp(`${fakes[0].address}.*REGISTER`)), [
    `INFO: LOOKUPD(${fakes[0].address}): topic REGISTER t`,
    `INFO: LOOKUPD(${fakes[0].address}): channel REGISTER t c#ephemeral`,
    `INFO: LOOKUPD(${fakes[0].address}): channel UNREGISTER t c#ephemeral`,
    `INFO: LOOKUPD(${fakes[0].address}): topic UNREGISTER t`,
  ]);
});

test('Lookupd: one who never answers delays none of the others', async (t) => {
  const silent = await FakeLookupd.start(t);
  const fake = await FakeLookupd.start(t);
  silent.reply = () => undefined;
  const { lookupd, log } = makeLookupd(t);

  lookupd.setAddresses([silent.address, `127.0.0.1:${await deadPort()}`, fake.address]);
  lookupd.start(IDENTITY);
  await log.until(/to register/);
  lookupd.onTopicCreated('t');
  await fake.journal.until(/REGISTER t/);

  assert.deepStrictEqual(commandsOf(fake), ['REGISTER t']);
});

test('Lookupd: other addresses take effect at once, and who stays is not disturbed', async (t) => {
  const [first, second, third] = [
    await FakeLookupd.start(t),
    await FakeLookupd.start(t),
    await FakeLookupd.start(t),
  ];
  const setup = makeLookupd(t);
  await startWith(setup, [first, second]);

  setup.topics.set('t', new Map());
  setup.lookupd.setAddresses([second.address, third.address, third.address]);
  await third.journal.until(/REGISTER t/);
  await first.journal.until(/closed/);
  setup.lookupd.onTopicCreated('u');
  await Promise.all([second, third].map(({ journal }) => journal.until(/REGISTER u/)));

  assert.deepStrictEqual([first, second, third].map(commandsOf), [
    [],
    ['REGISTER u'],
    ['REGISTER t', 'REGISTER u'],
  ]);
  assert.equal(second.journal.matching(/connected/).length, 1);
  assert.deepStrictEqual(setup.log.matching(/LOOKUP\(/).slice(-2), [
    `INFO: LOOKUP(${third.address}): adding peer`,
    `INFO: LOOKUP(${first.address}): removing peer`,
  ]);
});

test('Lookupd: stop hangs up without unregistering anything', async (t) => {
  const fake = await FakeLookupd.start(t);
  const setup = makeLookupd(t);
  setup.topics.set('t', new Map());
  await startWith(setup, [fake]);
  await fake.journal.until(/REGISTER t/);

  setup.lookupd.stop();
  setup.lookupd.setAddresses([fake.address]);
  setup.lookupd.onTopicDeleted('t');
  await fake.journal.until(/closed/);

  assert.deepStrictEqual(commandsOf(fake), ['REGISTER t']);
  assert.equal(fake.journal.matching(/connected/).length, 1);
  assert.equal(setup.clock.timerCount, 0);
});

test('Lookupd: before the start no nsqlookupd is told or asked', (t) => {
  const { lookupd, log } = makeLookupd(t);

  lookupd.setAddresses(['127.0.0.1:1']);
  lookupd.onTopicCreated('t');
  const channels = lookupd.channelsOf(TOPIC);

  assert.equal(channels, undefined);
  assert.deepStrictEqual(log.lines, []);
});

test('Lookupd: channelsOf unites what all name, without ephemeral channels and without nonsense', async (t) => {
  const fakes = [await FakeLookupd.start(t), await FakeLookupd.start(t)];
  fakes[0].channels = { t: ['two', 'one', 'gone#ephemeral'] };
  fakes[1].channels = { t: ['three', 'one', '', 'no name', 7, null] };
  const setup = makeLookupd(t);
  await startWith(setup, fakes);

  const channels = await setup.lookupd.channelsOf(TOPIC);

  assert.deepStrictEqual(channels, ['one', 'three', 'two']);
  assert.deepStrictEqual(
    fakes.map(({ journal }) => journal.matching(/GET/)),
    [['GET /channels?topic=t'], ['GET /channels?topic=t']],
  );
  assert.deepStrictEqual(setup.log.matching(/WARNING/), []);
});

test('Lookupd: channelsOf escapes the name of an ephemeral topic', async (t) => {
  const fake = await FakeLookupd.start(t);
  fake.channels = { 't#ephemeral': ['c'] };
  const setup = makeLookupd(t);
  await startWith(setup, [fake]);

  const channels = await setup.lookupd.channelsOf(topicName('t#ephemeral'));

  assert.deepStrictEqual(channels, ['c']);
});

for (const [what, web, why] of [
  ['an error', { status: 500, body: '{"message":"INTERNAL_ERROR"}' }, 'status 500'],
  ['no JSON', { status: 200, body: 'OK' }, 'the answer names no channels'],
  ['other JSON', { status: 200, body: '{"channels":7}' }, 'the answer names no channels'],
  ['an empty object', { status: 200, body: '{}' }, 'the answer names no channels'],
] as const) {
  test(`Lookupd: channelsOf does without one who answers with ${what}`, async (t) => {
    const [bad, good] = [await FakeLookupd.start(t), await FakeLookupd.start(t)];
    bad.web = web;
    good.channels = { t: ['c'] };
    const setup = makeLookupd(t);
    await startWith(setup, [bad, good]);

    const channels = await setup.lookupd.channelsOf(TOPIC);

    assert.deepStrictEqual(channels, ['c']);
    assert.deepStrictEqual(setup.log.matching(/WARNING/), [
      'WARNING: failed to query nsqlookupd for channels to pre-create for topic t - ' +
        `GET "http://127.0.0.1:${bad.httpPort}/channels?topic=t" failed - ${why}`,
    ]);
  });
}

test('Lookupd: channelsOf waits for an nsqlookupd that does not answer as long as a request may take', async (t) => {
  const [silent, good] = [await FakeLookupd.start(t), await FakeLookupd.start(t)];
  silent.web = { status: undefined, body: '' };
  good.channels = { t: ['c'] };
  const setup = makeLookupd(t);
  await startWith(setup, [silent, good]);

  const asked = setup.lookupd.channelsOf(TOPIC);
  await silent.journal.until(/GET/);
  await setup.answers.until(/channels/);
  setup.clock.advance(5000);
  const channels = await asked;

  assert.deepStrictEqual(channels, ['c']);
  assert.match(setup.log.matching(/WARNING/)[0], /failed - no answer within 5000 ms$/);
});

test('Lookupd: channelsOf takes null for no channels', async (t) => {
  const fake = await FakeLookupd.start(t);
  fake.web = { status: 200, body: '{"channels":null}' };
  const setup = makeLookupd(t);
  await startWith(setup, [fake]);

  assert.deepStrictEqual(await setup.lookupd.channelsOf(TOPIC), []);
});

test('Lookupd: channelsOf reports when no nsqlookupd has been reached', async (t) => {
  const { lookupd, log } = makeLookupd(t);
  lookupd.setAddresses([`127.0.0.1:${await deadPort()}`]);
  lookupd.start(IDENTITY);
  await log.until(/ECONNREFUSED/);

  const channels = lookupd.channelsOf(TOPIC);

  assert.equal(channels, undefined);
  assert.equal(
    log.lines.at(-1),
    'ERROR: no available nsqlookupd to query for channels to pre-create for topic t',
  );
});

test('Lookupd: channelsOf says nothing where there is no nsqlookupd', (t) => {
  const { lookupd, log } = makeLookupd(t);
  lookupd.setAddresses([]);
  lookupd.start(IDENTITY);

  const channels = lookupd.channelsOf(TOPIC);

  assert.equal(channels, undefined);
  assert.deepStrictEqual(log.lines, []);
});

test('Lookupd: channelsOf does not ask an nsqlookupd that reports no address', async (t) => {
  const fake = await FakeLookupd.start(t);
  fake.identity = { broadcast_address: '' };
  const setup = makeLookupd(t);
  await startWith(setup, [fake]);

  assert.equal(setup.lookupd.channelsOf(TOPIC), undefined);
});

for (const identity of [
  { broadcast_address: 'a host', http_port: 80 },
  { broadcast_address: '127.0.0.1', http_port: 70_000 },
  { broadcast_address: '127.0.0.1', http_port: -1 },
]) {
  test(`Lookupd: channelsOf survives a peer at ${JSON.stringify(identity)}`, async (t) => {
    const fake = await FakeLookupd.start(t);
    fake.identity = identity;
    const setup = makeLookupd(t);
    await startWith(setup, [fake]);

    assert.deepStrictEqual(await setup.lookupd.channelsOf(TOPIC), []);
    assert.equal(setup.log.matching(/WARNING: failed to query/).length, 1);
  });
}

test('Lookupd: what an answer makes throw is a failure of that peer, logged and counted', async (t) => {
  const fakes = [await FakeLookupd.start(t), await FakeLookupd.start(t)];
  fakes[1].channels['t'] = ['c'];
  const setup = makeLookupd(t);
  await startWith(setup, fakes);
  const whole = JSON.parse;
  const parse = t.mock.method(JSON, 'parse', (text: string): unknown => {
    if (!text.includes('channels')) return whole(text);
    parse.mock.restore();
    throw new TypeError('provoked');
  });
  // The first answer throws, whichever it is; the other one counts.
  fakes[0].channels['t'] = ['c'];

  const names = await setup.lookupd.channelsOf(TOPIC);

  assert.deepStrictEqual(names, ['c']);
  assert.equal(setup.guard.failedCount, 1);
  await setup.log.until(
    /^ERROR: an nsqlookupd: its input cannot be handled - TypeError: provoked at /,
  );
});

test('Lookupd: an nsqlookupd with an invalid address is not asked', async (t) => {
  const fake = await FakeLookupd.start(t);
  fake.identity = { broadcast_address: 'a b' };
  const setup = makeLookupd(t);
  await startWith(setup, [fake]);

  assert.deepStrictEqual(await setup.lookupd.channelsOf(TOPIC), []);
  assert.equal(setup.guard.failedCount, 0);
  await setup.log.until(/failed to query nsqlookupd .* t - the address "a b:\d+" is not valid/);
});
