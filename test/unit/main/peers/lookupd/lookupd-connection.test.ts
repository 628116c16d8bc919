import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../../../../src/daemon/guard.ts';
import { LookupdConnection } from '../../../../../src/main/peers/lookupd/lookupd-connection.ts';
import { deadPort, FakeLookupd, framed } from '../../../../support/fake-lookupd.ts';
import { Journal, journalLogger } from '../../../../support/journal.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const MAGIC = '  V1';
const LATE_MS = 1000;

type Side = {
  readonly connection: LookupdConnection;
  readonly clock: ManualClock;
  /** Why the connection was lost. */
  readonly lost: Journal;
};

function connectTo(t: TestContext, port: number): Side {
  const clock = new ManualClock();
  const lost = new Journal();
  const connection = new LookupdConnection({
    address: { host: '127.0.0.1', port },
    replyBytesMax: 1000,
    clock,
    guard: new Guard(clock, journalLogger().logger),
    name: 'nsqlookupd',
    onLost: (error) => lost.add(error.message),
  });
  t.after(() => connection.close());
  return { connection, clock, lost };
}

/** A connection that is open, and the nsqlookupd at its other end. */
async function setUp(t: TestContext): Promise<Side & { fake: FakeLookupd }> {
  const fake = await FakeLookupd.start(t);
  const side = connectTo(t, Number(fake.address.split(':')[1]));
  await side.connection.opened();
  return { ...side, fake };
}

function send({ connection }: Side, command: string): Promise<string> {
  return connection.request(Buffer.from(command)).then((reply) => reply.toString());
}

test('LookupdConnection: a request resolves with its reply, one after the other', async (t) => {
  const side = await setUp(t);
  side.fake.reply = (command) => framed(`reply to ${command}`);

  assert.equal(await send(side, `${MAGIC}PING\n`), 'reply to PING');
  assert.equal(await send(side, 'REGISTER t\n'), 'reply to REGISTER t');
  assert.deepStrictEqual([side.lost.lines, side.clock.timerCount], [[], 0]);
});

test('LookupdConnection: a second request before the reply is a bug', async (t) => {
  const side = await setUp(t);
  side.fake.reply = () => undefined;
  const first = send(side, `${MAGIC}PING\n`);

  assert.throws(
    () => side.connection.request(Buffer.from('PING\n')),
    /a request is sent when the one before is answered/,
  );
  side.connection.close();
  await assert.rejects(first, /connection closed/);
});

test('LookupdConnection: rejects when nobody listens, which is not a loss', async (t) => {
  const { connection, lost, clock } = connectTo(t, await deadPort());

  await assert.rejects(connection.opened(), /ECONNREFUSED/);
  assert.deepStrictEqual([lost.lines, clock.timerCount], [[], 0]);
  await assert.rejects(connection.request(Buffer.from('PING\n')), /connection is closed/);
});

test('LookupdConnection: a request without a reply in time ends the connection', async (t) => {
  const side = await setUp(t);
  side.fake.reply = () => undefined;
  const request = send(side, `${MAGIC}PING\n`);
  await side.fake.journal.until(/PING/);
  const rejected = assert.rejects(request, /no reply within 1000 ms/);

  side.clock.advance(LATE_MS - 1);
  assert.equal(side.clock.timerCount, 1);
  side.clock.advance(1);
  await rejected;
  await side.fake.journal.until(/closed/);
  assert.deepStrictEqual(side.lost.lines, []);
});

test('LookupdConnection: is lost when the peer ends it between requests', async (t) => {
  const { fake, lost, connection } = await setUp(t);
  await fake.journal.until(/connected/);
  fake.hangUp();

  assert.deepStrictEqual(await lost.until(/./), ['connection closed by the peer']);
  await assert.rejects(connection.request(Buffer.from('PING\n')), /connection is closed/);
});

test('LookupdConnection: rejects the request that is pending when the peer ends it, once', async (t) => {
  const side = await setUp(t);
  side.fake.reply = () => undefined;
  const request = send(side, `${MAGIC}PING\n`);
  const rejected = assert.rejects(request);
  await side.fake.journal.until(/PING/);
  side.fake.hangUp();

  await rejected;
  assert.deepStrictEqual(side.lost.lines, []);
});

test('LookupdConnection: a reply that nobody asked for ends the connection', async (t) => {
  const { fake, lost } = await setUp(t);
  await fake.journal.until(/connected/);
  fake.say(framed('OK'));

  assert.deepStrictEqual(await lost.until(/./), ['reply without a request']);
  await fake.journal.until(/closed/);
});

test('LookupdConnection: a reply that is too large rejects the request', async (t) => {
  const side = await setUp(t);
  side.fake.reply = () => framed('x'.repeat(1001));

  await assert.rejects(send(side, `${MAGIC}PING\n`));
  await side.fake.journal.until(/closed/);
});

test('LookupdConnection: closing it is not a loss, and rejects what is pending', async (t) => {
  const side = await setUp(t);
  side.fake.reply = () => undefined;
  const request = send(side, `${MAGIC}PING\n`);
  side.connection.close();
  side.connection.close();

  await assert.rejects(request, /connection closed/);
  await side.fake.journal.until(/closed/);
  assert.deepStrictEqual([side.lost.lines, side.clock.timerCount], [[], 0]);
});

test('LookupdConnection: input that cannot be handled is a loss', async (t) => {
  const { connection, lost } = await setUp(t);
  connection.destroy();

  assert.deepStrictEqual(lost.lines, ['connection ended']);
  assert.equal(`${connection}`, 'nsqlookupd');
});
