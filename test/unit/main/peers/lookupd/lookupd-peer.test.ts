import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../../../../src/daemon/guard.ts';
import { LookupdPeer } from '../../../../../src/main/peers/lookupd/lookupd-peer.ts';
import { helloBytes } from '../../../../../src/main/peers/lookupd/peer-info.ts';
import { ReplyParser } from '../../../../../src/main/peers/lookupd/reply-parser.ts';
import { deadPort, FakeLookupd, framed } from '../../../../support/fake-lookupd.ts';
import { type Journal, journalLogger } from '../../../../support/journal.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const HELLO = helloBytes({
  broadcastAddress: 'b',
  hostname: 'h',
  httpPort: 2,
  tcpPort: 1,
  topologyRegion: 'r',
  topologyZone: 'z',
});
const IDENTIFY =
  'IDENTIFY {"broadcast_address":"b","hostname":"h","http_port":2,"tcp_port":1,"topology_region":"r",' +
  '"topology_zone":"z","version":"1.3.0"}';
const INTRODUCTION = ['connected', 'magic "  V1"', IDENTIFY];
const REPLY_BYTES_MAX = 1000;
const PING_INTERVAL_MS = 15_000;

type Setup = {
  readonly peer: LookupdPeer;
  readonly clock: ManualClock;
  readonly guard: Guard;
  readonly log: Journal;
  /** What there is to register. */
  readonly registrations: string[];
};

function makePeer(t: TestContext, address: string, registrations: string[] = []): Setup {
  const clock = new ManualClock();
  const { logger, log } = journalLogger();
  const guard = new Guard(clock, logger);
  const peer = new LookupdPeer(address, {
    hello: HELLO,
    registrations: () => registrations,
    replyBytesMax: REPLY_BYTES_MAX,
    clock,
    guard,
    logger,
  });
  t.after(() => peer.stop());
  return { peer, clock, guard, log, registrations };
}

test('LookupdPeer: introduces the broker, then registers everything, then tells of changes', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address, ['REGISTER t', 'REGISTER t c']);

  peer.start();
  await log.until(/2 topics and channels to register/);
  peer.send('REGISTER u');
  peer.send('UNREGISTER t c');
  await fake.journal.until(/UNREGISTER/);

  assert.deepStrictEqual(fake.journal.lines, [
    ...INTRODUCTION,
    'REGISTER t',
    'REGISTER t c',
    'REGISTER u',
    'UNREGISTER t c',
  ]);
});

test('LookupdPeer: knows what the peer says of itself', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address);

  const before = peer.info;
  peer.start();
  await log.until(/peer info/);

  const tcpPort = Number(fake.address.split(':')[1]);
  assert.equal(before, undefined);
  assert.deepStrictEqual(peer.info, {
    tcpPort,
    httpPort: fake.httpPort,
    version: '1.3.0',
    broadcastAddress: '127.0.0.1',
  });
  assert.deepStrictEqual(log.matching(/peer info/), [
    `INFO: LOOKUPD(${fake.address}): peer info {TCPPort:${tcpPort} HTTPPort:${fake.httpPort} ` +
      'Version:1.3.0 BroadcastAddress:127.0.0.1}',
  ]);
});

test('LookupdPeer: sends a command when the one before is answered', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer } = makePeer(t, fake.address, ['REGISTER a', 'REGISTER b', 'REGISTER c']);
  const good = fake.reply;
  fake.reply = (command) => {
    if (!command.startsWith('REGISTER')) return good(command);
    setImmediate(() => {
      fake.journal.add('answer');
      fake.say(framed('OK'));
    });
    return undefined;
  };

  peer.start();
  await fake.journal.until(/answer/, 3);

  assert.deepStrictEqual(fake.journal.lines.slice(INTRODUCTION.length), [
    'REGISTER a',
    'answer',
    'REGISTER b',
    'answer',
    'REGISTER c',
    'answer',
  ]);
});

test('LookupdPeer: a PING goes every 15 seconds', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address);

  peer.start();
  await log.until(/to register/);
  clock.advance(14_999);
  peer.send('REGISTER before');
  await fake.journal.until(/before/);
  clock.advance(1);
  await fake.journal.until(/PING/);

  assert.deepStrictEqual(fake.journal.lines.slice(INTRODUCTION.length), [
    'REGISTER before',
    'PING',
  ]);
});

test('LookupdPeer: a PING goes ahead of changes that wait', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address);
  const good = fake.reply;
  fake.reply = (command) => (command === 'REGISTER a' ? undefined : good(command));

  peer.start();
  await log.until(/to register/);
  clock.advance(14_500);
  for (const name of ['a', 'b', 'c']) peer.send(`REGISTER ${name}`);
  await fake.journal.until(/REGISTER a/);
  clock.advance(500);
  fake.say(framed('OK'));
  await fake.journal.until(/REGISTER c/);

  assert.deepStrictEqual(fake.journal.lines.slice(INTRODUCTION.length), [
    'REGISTER a',
    'PING',
    'REGISTER b',
    'REGISTER c',
  ]);
});

test('LookupdPeer: registers everything again at the next PING after the peer hung up', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log, registrations } = makePeer(t, fake.address, ['REGISTER t']);

  peer.start();
  await fake.journal.until(/REGISTER t/);
  fake.hangUp();
  await log.until(/ERROR/);
  registrations.push('REGISTER u', 'REGISTER u c');
  clock.advance(15_000);
  await fake.journal.until(/REGISTER u c/);

  assert.deepStrictEqual(fake.journal.lines, [
    ...INTRODUCTION,
    'REGISTER t',
    'closed',
    ...INTRODUCTION,
    'REGISTER t',
    'REGISTER u',
    'REGISTER u c',
  ]);
});

test('LookupdPeer: a change makes it connect again, and is among what it registers', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log, registrations } = makePeer(t, fake.address);

  peer.start();
  await log.until(/to register/);
  fake.hangUp();
  await log.until(/ERROR/);
  registrations.push('REGISTER t');
  peer.send('REGISTER t');
  await log.until(/1 topics and channels to register/);
  peer.send('UNREGISTER t');
  await fake.journal.until(/UNREGISTER t/);

  assert.deepStrictEqual(fake.journal.lines, [
    ...INTRODUCTION,
    'closed',
    ...INTRODUCTION,
    'REGISTER t',
    'UNREGISTER t',
  ]);
  assert.deepStrictEqual(log.matching(/ERROR/).length, 1);
});

test('LookupdPeer: keeps what is known of a peer that is away', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address);

  peer.start();
  await log.until(/to register/);
  fake.hangUp();
  await log.until(/ERROR/);

  assert.equal(peer.isConnected, false);
  assert.equal(peer.info?.broadcastAddress, '127.0.0.1');
});

test('LookupdPeer: a refused connection is logged and tried again', async (t) => {
  const address = `127.0.0.1:${await deadPort()}`;
  const { peer, clock, log } = makePeer(t, address);

  peer.start();
  await log.until(/ERROR/);
  clock.advance(15_000);
  await log.until(/ERROR/, 2);

  const failure = `ERROR: LOOKUPD(${address}): connect ECONNREFUSED ${address}`;
  assert.deepStrictEqual(log.matching(/ERROR/), [failure, failure]);
});

test('LookupdPeer: a peer that never answers has one second', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address);
  fake.reply = () => undefined;

  peer.start();
  await fake.journal.until(/IDENTIFY/);
  clock.advance(999);
  const early = log.matching(/ERROR/);
  clock.advance(1);
  await fake.journal.until(/closed/);

  assert.deepStrictEqual(early, []);
  assert.deepStrictEqual(log.matching(/ERROR/), [
    `ERROR: LOOKUPD(${fake.address}): no reply within 1000 ms`,
  ]);
});

test('LookupdPeer: a command that is not answered ends the connection, and the log says which', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address, ['REGISTER a', 'REGISTER b']);
  const good = fake.reply;
  fake.reply = (command) => (command === 'REGISTER b' ? undefined : good(command));

  peer.start();
  await fake.journal.until(/REGISTER b/);
  clock.advance(1000);
  await fake.journal.until(/closed/);

  assert.deepStrictEqual(log.matching(/ERROR/), [
    `ERROR: LOOKUPD(${fake.address}): REGISTER b - no reply within 1000 ms`,
  ]);
});

for (const [what, reply, why] of [
  ['E_INVALID', framed('E_INVALID'), /: lookupd returned E_INVALID$/],
  ['no JSON', framed('OK'), /: parsing response - "OK"$/],
  [
    'an error',
    framed('E_BAD_BODY IDENTIFY missing fields'),
    /: parsing response - "E_BAD_BODY IDENTIFY missing fields"$/,
  ],
  ['JSON of other types', framed('{"tcp_port":"x"}'), /: parsing response - /],
  ['a huge size', Buffer.from([0x7f, 0xff, 0xff, 0xff]), /reply of 2147483647 bytes, 1000 at most/],
  ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff]), /reply of -1 bytes, 1000 at most/],
  [
    'another protocol',
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    /it answers in HTTP, so this is an HTTP port; the TCP port of nsqlookupd is usually 4160/,
  ],
  [
    'more than one reply',
    Buffer.concat([framed('{}'), framed('OK')]),
    /: reply without a request$/,
  ],
] as const) {
  test(`LookupdPeer: ${what} in answer to IDENTIFY ends the connection`, async (t) => {
    const fake = await FakeLookupd.start(t);
    const { peer, log } = makePeer(t, fake.address, ['REGISTER a']);
    fake.reply = () => reply;

    peer.start();
    await fake.journal.until(/closed/);

    assert.deepStrictEqual(fake.journal.lines, [...INTRODUCTION, 'closed']);
    assert.match(log.matching(/ERROR: LOOKUPD/).at(-1) ?? '', why);
    assert.equal(peer.isConnected, false);
  });
}

test('LookupdPeer: a connection that ends with the reply to IDENTIFY is followed by a whole one', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address, ['REGISTER a']);
  const good = fake.reply;
  fake.reply = (command) => Buffer.concat([good(command) ?? Buffer.alloc(0), framed('OK')]);

  peer.start();
  await log.until(/ERROR/);
  fake.reply = good;
  clock.advance(15_000);
  await fake.journal.until(/REGISTER a/);

  assert.deepStrictEqual(fake.journal.matching(/^(?!closed)/), [
    ...INTRODUCTION,
    ...INTRODUCTION,
    'REGISTER a',
  ]);
});

test('LookupdPeer: a reply as long as allowed is read, in whatever pieces it comes', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address);
  const json = '{"broadcast_address":"x","http_port":1}'.padEnd(REPLY_BYTES_MAX);
  const bytes = framed(json);
  fake.reply = () => {
    for (const byte of bytes) fake.say(Buffer.from([byte]));
    return undefined;
  };

  peer.start();
  await log.until(/to register/);

  assert.equal(peer.info?.broadcastAddress, 'x');
});

test('LookupdPeer: a peer without an address is registered with, and the log says so', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address, ['REGISTER a']);
  fake.identity = { broadcast_address: '' };

  peer.start();
  await fake.journal.until(/REGISTER a/);

  assert.deepStrictEqual(log.matching(/ERROR/), [
    `ERROR: LOOKUPD(${fake.address}): no broadcast address`,
  ]);
});

test('LookupdPeer: an error in answer to a change is logged, and the next change is sent', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address, ['REGISTER a', 'REGISTER b']);
  const good = fake.reply;
  fake.reply = (command) => (command === 'REGISTER a' ? framed('E_BAD_TOPIC') : good(command));

  peer.start();
  await fake.journal.until(/REGISTER b/);

  assert.deepStrictEqual(log.matching(/WARNING/), [
    `WARNING: LOOKUPD(${fake.address}): REGISTER a - "E_BAD_TOPIC"`,
  ]);
});

test('LookupdPeer: an unexpected reply ends the connection', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log } = makePeer(t, fake.address);

  peer.start();
  await log.until(/to register/);
  fake.say(framed('OK'));
  await fake.journal.until(/closed/);

  assert.deepStrictEqual(log.matching(/ERROR/), [
    `ERROR: LOOKUPD(${fake.address}): reply without a request`,
  ]);
});

test('LookupdPeer: reconnects when too many changes wait', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, log, registrations } = makePeer(t, fake.address);
  const good = fake.reply;
  fake.reply = (command) => (command === 'REGISTER first' ? undefined : good(command));

  peer.start();
  await log.until(/to register/);
  peer.send('REGISTER first');
  await fake.journal.until(/REGISTER first/);
  for (let count = 0; count < 20_000; count += 1) peer.send(`REGISTER t${count}`);
  registrations.push('REGISTER everything');
  fake.say(framed('OK'));
  await fake.journal.until(/REGISTER everything/);

  const commands = fake.journal.matching(/^(?!closed)/);
  assert.deepStrictEqual(commands, [
    ...INTRODUCTION,
    'REGISTER first',
    ...INTRODUCTION,
    'REGISTER everything',
  ]);
  assert.match(log.matching(/ERROR/)[0], /: more than 16384 changes are waiting$/);
});

test('LookupdPeer: an invalid address is logged once', (t) => {
  const { peer, clock, log } = makePeer(t, 'nonsense');

  peer.start();
  peer.send('REGISTER t');
  clock.advance(60_000);

  assert.deepStrictEqual(log.lines, ['ERROR: LOOKUPD(nonsense): the address has no port']);
});

test('LookupdPeer: stop hangs up without a word, and leaves no timer', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address, ['REGISTER t']);

  peer.start();
  await fake.journal.until(/REGISTER t/);
  peer.stop();
  peer.send('REGISTER late');
  await fake.journal.until(/closed/);

  assert.deepStrictEqual(fake.journal.lines, [...INTRODUCTION, 'REGISTER t', 'closed']);
  assert.deepStrictEqual(log.matching(/ERROR/), []);
  assert.equal(clock.timerCount, 0);
});

test('LookupdPeer: stop while connecting ends that', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, log } = makePeer(t, fake.address);

  peer.start();
  peer.stop();
  await new Promise((resolve) => setImmediate(resolve));

  assert.deepStrictEqual(log.matching(/ERROR/), []);
  assert.equal(clock.timerCount, 0);
});

test('LookupdPeer: what a reply makes throw ends the connection, logged and counted', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, guard, log } = makePeer(t, fake.address);
  const push = t.mock.method(ReplyParser.prototype, 'push', () => {
    throw new TypeError('provoked');
  });

  peer.start();
  await fake.journal.until(/closed/);
  push.mock.restore();
  clock.advance(PING_INTERVAL_MS);
  await log.until(/0 topics and channels to register/);

  assert.equal(guard.failedCount, 1);
  assert.match(
    log.lines.join('\n'),
    /^ERROR: LOOKUPD\(127\.0\.0\.1:\d+\): its input cannot be handled - TypeError: provoked at /m,
  );
});

test('LookupdPeer: what throws at the time of a PING ends nothing else, logged and counted', async (t) => {
  const fake = await FakeLookupd.start(t);
  const { peer, clock, guard, log } = makePeer(t, fake.address);
  const connect = t.mock.method(Socket.prototype, 'connect', () => {
    throw new RangeError('provoked');
  });

  peer.start();
  clock.advance(PING_INTERVAL_MS);
  connect.mock.restore();
  assert.equal(guard.failedCount, 2);
  clock.advance(PING_INTERVAL_MS);
  await log.until(/0 topics and channels to register/);

  assert.match(
    log.lines.join('\n'),
    /^ERROR: LOOKUPD\(127\.0\.0\.1:\d+\): its input cannot be handled - RangeError: provoked at /m,
  );
});
