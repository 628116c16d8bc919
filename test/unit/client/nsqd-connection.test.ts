import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../src/client/address.ts';
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  connectionSettings,
} from '../../../src/client/connection-options.ts';
import type { ConsumerWishes } from '../../../src/client/negotiation.ts';
import { NsqdConnection } from '../../../src/client/nsqd-connection.ts';
import { OptionChecks } from '../../../src/client/option-checks.ts';
import { line } from '../../../src/protocol/commands.ts';
import { DeflateEncoder } from '../../../src/protocol/compression/deflate-encoder.ts';
import {
  error,
  idOf,
  messageFrame,
  response,
  ScriptedSite,
  settled,
} from '../../support/scripted-nsqd.ts';

const CONNECT_MS = 5000;
const HEARTBEAT_MS = 1000;
const END_MS = 1000;

/** A connection to a scripted broker, and what its owner has been told. */
function setup(options: ConnectionOptions = {}, wishes: ConsumerWishes | null = null) {
  const site = new ScriptedSite();
  const told: string[] = [];
  const given = { hostname: 'host', userAgent: 'test', connectTimeoutMs: CONNECT_MS, ...options };
  const settings = connectionSettings(new OptionChecks(given, CONNECTION_OPTION_NAMES), given);
  const connection = new NsqdConnection(
    parseAddress('broker:4150', 'nsqd'),
    { ...settings, heartbeatIntervalMs: HEARTBEAT_MS },
    wishes,
    site.environment,
    {
      onMessage: (bytes, at, end) => told.push(`message ${bytes.toString('latin1', at + 26, end)}`),
      onMessages: () => told.push('read'),
      onRefusal: ({ code }) => told.push(`refused ${code}`),
      onDrain: () => undefined,
      onClose: (cause) => told.push(`closed: ${cause?.message ?? 'asked for'}`),
    },
  );
  return { site, broker: site.broker(), connection, told };
}

/** A response as a connection with deflate gets it. Short ones are encoded at once. */
function deflated(text: string): Buffer {
  const bytes: Buffer[] = [];
  new DeflateEncoder(6).encode([response(text)], (encoded) => bytes.push(...encoded));
  return Buffer.concat(bytes);
}

/** What became of a promise: its value, or the code and text of its error. */
function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => String(value),
    ({ code, message }) => `${code}: ${message}`,
  );
}

test('NsqdConnection: it introduces itself first, and is ready with what the broker grants', async () => {
  const wishes = { sampleRate: 25, msgTimeoutMs: 7000 };
  const { broker, connection } = setup({ clientId: 'me', outputBufferBytes: 0 }, wishes);
  broker.grant = { max_rdy_count: 7, version: '1.3.0' };

  const before = connection.isReady;
  const { maxRdy, version } = await connection.open();

  const [connected, introduction] = broker.journal.lines;
  assert.equal(connected, 'connected');
  assert.deepEqual(JSON.parse(introduction.slice('IDENTIFY '.length)), {
    client_id: 'me',
    hostname: 'host',
    user_agent: 'test',
    feature_negotiation: true,
    heartbeat_interval: HEARTBEAT_MS,
    output_buffer_size: -1,
    tls_v1: false,
    snappy: false,
    deflate: false,
    deflate_level: 6,
    sample_rate: 25,
    msg_timeout: 7000,
  });
  assert.deepEqual([before, connection.isReady], [false, true]);
  assert.deepEqual([maxRdy, version], [7, '1.3.0']);
});

test('NsqdConnection: AUTH follows IDENTIFY where the broker requires it, and not elsewhere', async () => {
  const required = setup({ authSecret: 'sesame' });
  required.broker.grant = { auth_required: true };
  await required.connection.open();
  const free = setup({ authSecret: 'sesame' });
  await free.connection.open();

  assert.deepEqual(required.broker.journal.matching(/^AUTH/), ['AUTH sesame']);
  assert.deepEqual(free.broker.journal.matching(/^AUTH/), []);
});

test('NsqdConnection: a broker that cannot be used is left, and the reason is told by open alone', async () => {
  const cases: [options: ConnectionOptions, grant: object | Buffer, text: string][] = [
    [
      {},
      { auth_required: true },
      'E_AUTH_FIRST: the broker broker:4150 requires AUTH, but the option authSecret is not set',
    ],
    [{ tls: true }, {}, 'CONNECT_FAILED: the broker broker:4150 does not speak TLS'],
    [{}, error('E_BAD_BODY IDENTIFY no'), 'E_BAD_BODY: E_BAD_BODY IDENTIFY no'],
    [
      {},
      response('hello'),
      'PROTOCOL_ERROR: the broker broker:4150 answered IDENTIFY with "hello"',
    ],
    [
      { deflate: true },
      Buffer.concat([response('{"deflate":true}'), deflated('NO')]),
      'PROTOCOL_ERROR: the broker broker:4150 sent "NO" after the beginning of compression',
    ],
    [
      { tls: true },
      Buffer.concat([response('{"tls_v1":true}'), response('OK')]),
      'PROTOCOL_ERROR: the broker broker:4150 sent plain bytes where TLS begins',
    ],
  ];
  for (const [options, grant, text] of cases) {
    const { site, broker, connection, told } = setup(options);
    if (grant instanceof Buffer) broker.answer = () => grant;
    else broker.grant = { ...grant };

    const reason = await outcome(connection.open());
    const later = await outcome(connection.ask('SUB', 't', 'c'));
    await broker.journal.until(/^closed$/);

    assert.equal(reason, text);
    assert.match(later, /^CONNECT(?:_FAILED|ION_LOST): /);
    assert.deepEqual(told, []);
    assert.deepEqual(broker.journal.matching(/^SUB/), []);
    assert.equal(site.clock.timerCount, 0);
  }
});

test('NsqdConnection: bytes behind the answer to IDENTIFY belong to the next layer', async () => {
  const { broker, connection, told } = setup({ deflate: true });
  broker.answer = () => Buffer.concat([response('{"deflate":true}'), deflated('OK')]);

  const { compression } = await connection.open();
  const answer = connection.ask('SUB', 't', 'c');
  broker.say(deflated('OK'));

  assert.equal(compression, 'deflate');
  assert.equal(await answer, 'OK');
  assert.deepEqual(told, []);
});

test('NsqdConnection: messages right behind the handshake are not lost', async () => {
  const { broker, connection, told } = setup();
  broker.answer = () => Buffer.concat([response('OK'), messageFrame(idOf(1), 'early')]);

  await connection.open();

  assert.deepEqual(told, ['message early', 'read']);
});

test('NsqdConnection: answers go to their commands in order, and messages pass between them', async () => {
  const { broker, connection, told } = setup();
  await connection.open();
  broker.answer = () => null;
  const answers: string[] = [];
  const first = connection.ask('SUB', 't', 'c').then((text) => answers.push(`first ${text}`));
  const second = connection.ask('CLS').then((text) => answers.push(`second ${text}`));
  await broker.journal.until(/^CLS$/);

  broker.deliver(
    messageFrame(idOf(1), 'a'),
    response('OK'),
    messageFrame(idOf(2), 'b'),
    response('CLOSE_WAIT'),
  );
  await Promise.all([first, second]);
  broker.heartbeat();
  await broker.journal.until(/^NOP$/);

  assert.deepEqual(answers, ['first OK', 'second CLOSE_WAIT']);
  assert.deepEqual(told, ['message a', 'message b', 'read']);
  assert.equal(connection.isReady, true);
});

test('NsqdConnection: a FIN that came too late is told, and answers no command', async () => {
  const { broker, connection, told } = setup();
  await connection.open();
  broker.answer = () => null;
  const answer = connection.ask('SUB', 't', 'c');
  await broker.journal.until(/^SUB/);

  broker.deliver(
    ...['FIN', 'REQ', 'TOUCH'].map((name) => error(`E_${name}_FAILED ${name} x failed`)),
    response('OK'),
  );

  assert.equal(await answer, 'OK');
  assert.deepEqual(told, [
    'refused E_FIN_FAILED',
    'refused E_REQ_FAILED',
    'refused E_TOUCH_FAILED',
  ]);
  assert.equal(connection.isReady, true);
});

test('NsqdConnection: another refusal is for the oldest command, and ends the connection for the rest', async () => {
  const { broker, connection, told } = setup();
  await connection.open();
  broker.answer = () => null;
  const first = outcome(connection.ask('SUB', 't', 'c'));
  const second = outcome(connection.ask('CLS'));
  await broker.journal.until(/^CLS$/);

  broker.say(error('E_SUB_FAILED SUB failed no'));
  const lost = 'the connection to broker:4150 is lost: E_SUB_FAILED SUB failed no';

  assert.equal(await first, 'E_SUB_FAILED: E_SUB_FAILED SUB failed no');
  assert.equal(await second, `CONNECTION_LOST: ${lost}`);
  assert.deepEqual(told, [`closed: ${lost}`]);
  assert.deepEqual([connection.isReady, connection.queuedBytes], [false, 0]);
});

test('NsqdConnection: an answer that answers nothing ends the connection, and nothing behind it counts', async () => {
  const { broker, connection, told } = setup();
  await connection.open();

  broker.deliver(response('OK'), messageFrame(idOf(1), 'after'));
  await broker.journal.until(/^closed$/);

  assert.deepEqual(told, ['closed: the broker broker:4150 sent "OK", which answers nothing']);
});

test('NsqdConnection: a lost connection fails the commands in order, then tells the owner, once', async () => {
  const { broker, connection, told } = setup();
  await connection.open();
  broker.answer = () => null;
  const note = (name: string) => ({
    onAnswer: () => told.push(`${name} is answered`),
    onError: ({ code }: { code: string }) => told.push(`${name} ${code}`),
  });
  connection.commands.bytes(line('SUB', 't', 'c'));
  connection.expect(note('first'));
  connection.expect(note('second'));
  await broker.journal.until(/^SUB/);

  broker.hangUp(new Error('reset by the peer'));
  await broker.journal.until(/^closed$/);
  await settled();
  connection.expect(note('late'));
  connection.destroy(null);

  assert.deepEqual(told, [
    'first CONNECTION_LOST',
    'second CONNECTION_LOST',
    'closed: the connection to broker:4150 is lost: reset by the peer',
    'late CONNECTION_LOST',
  ]);
});

test('NsqdConnection: end sends what is pending, and waits a second for the broker to close', async () => {
  const { site, broker, connection, told } = setup();
  await connection.open();
  broker.answer = () => null;
  connection.commands.bytes(line('NOP'));
  const answer = outcome(connection.ask('CLS'));

  connection.end();
  const isReady = connection.isReady;
  await broker.journal.until(/^closed$/);

  assert.equal(isReady, false);
  assert.deepEqual(broker.journal.lines.slice(2), ['NOP', 'CLS', 'ended', 'closed']);
  assert.equal(await answer, 'CONNECTION_LOST: left the broker broker:4150');
  assert.deepEqual(told, ['closed: asked for']);
  assert.equal(site.clock.timerCount, 0);
});

test('NsqdConnection: a broker that does not close its side is left after a second', async () => {
  const { site, connection, told } = setup();
  // A broker whose stream takes everything and never ends.
  const stream = site.broker().accept();
  stream.end = () => stream;
  const held = new NsqdConnection(
    connection.address,
    connectionSettings(new OptionChecks({}, []), {}),
    null,
    { ...site.environment, connect: () => stream },
    {
      onMessage: () => undefined,
      onMessages: () => undefined,
      onRefusal: () => undefined,
      onDrain: () => undefined,
      onClose: (cause) => told.push(`closed: ${cause?.message ?? 'asked for'}`),
    },
  );
  await held.open();

  held.end();
  site.clock.advance(END_MS - 10);
  const early = [...told];
  site.clock.advance(10);

  assert.deepEqual([early, told], [[], ['closed: asked for']]);
  assert.equal(stream.destroyed, true);
});

test('NsqdConnection: connecting has a deadline, also while the broker says nothing', async () => {
  for (const isSilent of [true, false]) {
    const { site, broker, connection, told } = setup();
    broker.isSilent = isSilent;
    broker.answer = () => null;
    const opened = outcome(connection.open());
    await broker.journal.until(isSilent ? /^connected$/ : /^IDENTIFY/);

    site.clock.advance(CONNECT_MS - 10);
    const before = await Promise.race([opened, settled()]);
    site.clock.advance(10);

    assert.equal(before, undefined);
    assert.equal(
      await opened,
      `CONNECT_FAILED: connecting to broker:4150 took more than ${CONNECT_MS} ms`,
    );
    assert.deepEqual(told, []);
  }
});

test('NsqdConnection: a broker that is silent for two heartbeats is gone, whatever it sends counts', async () => {
  const { site, broker, connection, told } = setup();
  await connection.open();

  site.clock.advance(2 * HEARTBEAT_MS - 10);
  broker.deliver(messageFrame(idOf(1), 'a'));
  await settled();
  const heardMs = connection.heardMs;
  site.clock.advance(2 * HEARTBEAT_MS - 10);
  const before = [...told];
  site.clock.advance(10);

  assert.equal(heardMs, site.clock.monotonicMs() - 2 * HEARTBEAT_MS);
  assert.deepEqual(before, ['message a', 'read']);
  assert.deepEqual(told.slice(2), ['closed: the broker broker:4150 has been silent for 2000 ms']);
});

test('NsqdConnection: leaving before it is ready rejects open, and does not call the owner', async () => {
  for (const leave of ['end', 'destroy'] as const) {
    const { site, broker, connection, told } = setup();
    broker.answer = () => null;
    const opened = outcome(connection.open());
    await broker.journal.until(/^IDENTIFY/);

    if (leave === 'end') connection.end();
    else connection.destroy(null);

    assert.equal(await opened, 'CONNECTION_LOST: left the broker broker:4150');
    assert.deepEqual(told, []);
    assert.equal(site.clock.timerCount, 0);
  }
});

test('NsqdConnection: a refused connection says who refused it', async () => {
  const { broker, connection, told } = setup();
  broker.isDown = true;

  const reason = await outcome(connection.open());

  assert.equal(reason, 'CONNECT_FAILED: connecting to broker:4150 failed: connect ECONNREFUSED');
  assert.deepEqual(told, []);
});
