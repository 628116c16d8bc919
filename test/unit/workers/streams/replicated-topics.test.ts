// Replicated topics over a fake store: the stream loop, the pump's backend and the topic map together, in one or two
// brokers on one clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dpub, identify, line, mpub, pub } from '../../../../src/protocol/commands.ts';
import type { StreamStart } from '../../../../src/shared/control.ts';
import { parseChannelName } from '../../../../src/shared/names.ts';
import { type FakeSocket, messageIds, messagesOf } from '../../../support/fake-socket.ts';
import { ACK_WAIT_MS } from '../../../support/fake-stream-server.ts';
import { framesOf, ReplicatedSite } from '../../../support/replicated-site.ts';
import { freshSeed, type Random, seededRandom } from '../../../support/seeded-random.ts';

function lastId(socket: FakeSocket): string {
  return messageIds(socket.written).at(-1) ?? '';
}

test('replicated topic: OK follows the answer of the store, and its refusal is the reason', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  site.server.holdsAnswers = true;
  const client = await site.client(broker, pub('r', 'a'));
  const before = framesOf(client);
  for (const answer of site.server.unanswered.splice(0)) answer(null);
  await site.turns();
  const after = framesOf(client);
  site.server.holdsAnswers = false;
  site.server.refusal = 'no space is left';
  client.send(mpub('r', ['b', 'c']));
  await site.turns();

  assert.deepEqual([before, after], [[], ['response OK']]);
  assert.deepEqual(framesOf(client), ['error E_MPUB_FAILED MPUB failed no space is left']);
});

test('replicated topic: SUB is answered when the store has the channel, and keeps what comes from then on', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const first = await site.client(one, line('SUB', 'r', 'first'));
  const { promise, resolve } = Promise.withResolvers<void>();
  site.server.opening = promise;
  const second = await site.client(one, line('SUB', 'r', 'second'), line('RDY', 1));
  await site.client(other, pub('r', 'before'));
  const waiting = framesOf(second);
  resolve();
  await site.turns();
  const answered = framesOf(second);
  await site.client(other, pub('r', 'after'));

  assert.deepEqual(framesOf(first), ['response OK']);
  assert.deepEqual([waiting, answered], [[], ['response OK']]);
  assert.deepEqual(framesOf(second), ['message 1 after']);
});

test('replicated topic: SUB waits for the store, whatever else the client has sent with it', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const { promise, resolve } = Promise.withResolvers<void>();
  site.server.opening = promise;
  const first = [identify({ msg_timeout: 1000 }), line('SUB', 'r', 'c'), line('RDY', 1)];
  const client = await site.client(broker, ...first, pub('r', 'a'));
  const waiting = framesOf(client);
  resolve();
  await site.turns();

  assert.deepEqual(waiting, ['response OK']);
  assert.deepEqual(framesOf(client), ['response OK', 'response OK', 'message 1 a']);
});

test('replicated topic: its first messages wait until the store has the channels that peers know', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const names = ['left', 'right'].map((name) => parseChannelName(name) ?? assert.fail(name));
  const { promise, resolve } = Promise.withResolvers<typeof names>();
  broker.channelsOf = () => promise;
  const publisher = await site.client(broker, pub('r', 'a'));
  const before = framesOf(publisher);
  resolve(names);
  await site.turns();
  const consumers = [
    await site.client(broker, line('SUB', 'r', 'left'), line('RDY', 1)),
    await site.client(broker, line('SUB', 'r', 'right'), line('RDY', 1)),
  ];

  assert.deepEqual([before, framesOf(publisher)], [[], ['response OK']]);
  assert.deepEqual(consumers.map(framesOf), [
    ['response OK', 'message 1 a'],
    ['response OK', 'message 1 a'],
  ]);
});

test('replicated topic: SUB is refused when the store cannot create the channel', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  site.server.openError = 'no space is left';
  const refused = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 1));
  site.server.openError = null;
  await site.advance(500);
  const next = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 1));

  assert.deepEqual(framesOf(refused), ['error E_SUB_FAILED SUB failed no space is left']);
  assert.deepEqual([refused.hasEnded, framesOf(next)], [true, ['response OK']]);
});

test('replicated topic: a SUB that waits for the store fails when another broker deletes the channel', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  await site.client(other, line('SUB', 'r', 'c'));
  const topic = other.topics.get('r');
  assert.ok(topic !== undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  site.server.opening = promise;
  const waiting = await site.client(one, line('SUB', 'r', 'late'));
  await Promise.all([other.topics.deleteTopic(topic), site.turns()]);
  resolve();
  await site.turns();

  assert.deepEqual([framesOf(waiting), waiting.isDestroyed], [[], true]);
});

test('replicated topic: every broker has it; a message is with one of them, and finished for all', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const first = await site.client(one, line('SUB', 'r', 'c'), line('RDY', 1));
  const second = await site.client(other, line('SUB', 'r', 'c'), line('RDY', 1));
  await site.client(other, mpub('r', ['a', 'b', 'c']));
  const got = [...framesOf(first), ...framesOf(second)].sort();
  first.send(line('FIN', lastId(first)));
  await site.turns();
  second.send(line('FIN', lastId(second)));
  first.send(line('FIN', lastId(first)));
  await site.turns();

  assert.deepEqual(got, ['message 1 a', 'message 1 b', 'response OK', 'response OK']);
  assert.deepEqual([...framesOf(first), ...framesOf(second)], ['message 1 c']);
  assert.equal(site.server.unfinishedCount('r', 'c'), 0);
  assert.equal(one.topics.get('r')?.isReplicated, true);
  assert.equal(one.topics.get('r')?.channels.size, 1);
});

test('replicated topic: REQ and timeouts give a message back with its delay, and attempts count', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const first = await site.client(one, line('SUB', 'r', 'c'), line('RDY', 1));
  await site.client(one, pub('r', 'a'));
  first.send(Buffer.concat([line('RDY', 0), line('REQ', lastId(first), 5000)]));
  await site.turns();
  const second = await site.client(other, line('SUB', 'r', 'c'), line('RDY', 1));
  await site.advance(4999);
  const early = framesOf(second);
  await site.advance(1);
  const due = framesOf(second);
  // It times out after a minute, in which the store hears of it again and again.
  for (let step = 0; step < 11; step++) await site.advance(5000);
  const kept = framesOf(second);
  await site.advance(5000);

  assert.deepEqual([early, due, kept], [['response OK'], ['message 2 a'], []]);
  assert.deepEqual(framesOf(second), ['message 3 a']);
});

test('replicated topic: what a broker held that is gone comes to another one', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const first = await site.client(one, line('SUB', 'r', 'c'), line('RDY', 1));
  await site.client(other, pub('r', 'a'));
  const second = await site.client(other, line('SUB', 'r', 'c'), line('RDY', 1));
  one.areStreamsRunning = false;
  for (let ms = 0; ms < ACK_WAIT_MS - 1000; ms += 1000) await site.advance(1000);
  const before = framesOf(second);
  await site.advance(1000);

  assert.deepEqual(framesOf(first), ['response OK', 'message 1 a']);
  assert.deepEqual([before, framesOf(second)], [['response OK'], ['message 2 a']]);
});

test('replicated topic: DPUB keeps its time, whoever delivers', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const client = await site.client(other, line('SUB', 'r', 'c'), line('RDY', 1));
  await site.client(one, dpub('r', 10_000, 'late'));
  await site.advance(9999);
  const early = framesOf(client);
  await site.advance(1);

  assert.deepEqual([early, framesOf(client)], [['response OK'], ['message 1 late']]);
});

test('replicated topic: a consumer that leaves or takes no more does not keep others from messages', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const first = await site.client(one, line('SUB', 'r', 'c'), line('RDY', 5));
  first.end();
  await site.turns();
  await site.client(one, pub('r', 'a'));
  const second = await site.client(other, line('SUB', 'r', 'c'), line('RDY', 1));

  assert.deepEqual(framesOf(second), ['response OK', 'message 1 a']);
  assert.equal(first.hasEnded, true);
});

test('replicated topic: pause, empty and delete reach the other brokers', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const client = await site.client(other, line('SUB', 'r', 'c'), line('RDY', 1));
  const channel = one.topics.get('r')?.channels.get('c');
  const topic = one.topics.get('r');
  assert.ok(channel !== undefined && topic !== undefined);
  await Promise.all([one.topics.pauseChannel(channel, true), site.turns()]);
  await site.client(one, pub('r', 'a'));
  const paused = [framesOf(client), other.topics.get('r')?.channels.get('c')?.isPaused];
  await Promise.all([one.topics.emptyChannel(channel), site.turns()]);
  await Promise.all([one.topics.pauseChannel(channel, false), site.turns()]);
  await site.client(one, pub('r', 'b'));
  const emptied = framesOf(client);
  await Promise.all([one.topics.deleteTopic(topic), site.turns()]);

  assert.deepEqual([paused, emptied], [[['response OK'], true], ['message 1 b']]);
  assert.deepEqual([one.topics.get('r'), other.topics.get('r')], [undefined, undefined]);
  assert.equal(site.server.topics.size, 0);
});

test('replicated topic: while the store is away publishes are refused, and then all goes on', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const consumer = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 2));
  const client = await site.client(broker, pub('r', 'a'));
  site.stores[0].setAbsence('the connection is lost');
  await site.turns();
  client.send(pub('r', 'b'));
  await site.turns();
  consumer.send(line('FIN', lastId(consumer)));
  await site.turns();
  site.stores[0].setAbsence(null);
  await site.turns();
  const next = await site.client(broker, pub('r', 'c'));

  assert.deepEqual(framesOf(client), [
    'response OK',
    'error E_PUB_FAILED PUB failed the connection is lost',
  ]);
  assert.deepEqual(framesOf(next), ['response OK']);
  assert.deepEqual(framesOf(consumer), ['response OK', 'message 1 a', 'message 1 c']);
});

test('replicated topic: a broker that was away does not bring back what another one has deleted', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  await site.client(one, pub('r', 'a'), line('SUB', 'r', 'c'), line('RDY', 1));
  site.stores[0].setAbsence('the connection is lost');
  await site.turns();
  const topic = other.topics.get('r');
  assert.ok(topic !== undefined);
  await Promise.all([other.topics.deleteTopic(topic), site.turns()]);
  site.stores[0].setAbsence(null);
  for (let step = 0; step < 6; step++) await site.advance(500);

  assert.deepEqual([one.topics.get('r'), other.topics.get('r')], [undefined, undefined]);
  assert.equal(site.server.topics.size, 0);
});

test('replicated topic: what the store has lost is created again', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const consumer = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 1));
  site.server.topics.clear();
  for (let step = 0; step < 12; step++) await site.advance(500);
  await site.client(broker, pub('r', 'a'));

  assert.deepEqual(framesOf(consumer), ['response OK', 'message 1 a']);
});

/** What a consumer at the other broker gets of a channel that begins there. */
async function replayed(
  site: ReplicatedSite,
  start: StreamStart,
  name = 'again',
): Promise<string[]> {
  const [one, other] = site.brokers;
  const topic = one.topics.get('r');
  const channel = parseChannelName(name);
  assert.ok(topic !== undefined && channel !== undefined);
  const starting = one.topics.startChannel(topic, channel, start);
  await site.turns();
  assert.equal(await starting, null);
  const client = await site.client(other, line('SUB', 'r', name), line('RDY', 9));
  return framesOf(client).slice(1);
}

test('replicated topic: a channel begins with kept messages: the first, one, those since a time', async () => {
  const site = new ReplicatedSite(2, { retention: 'age(1h)' });
  const consumer = await site.client(site.brokers[0], line('SUB', 'r', 'c'), line('RDY', 1));
  for (const body of ['a', 'b', 'c']) {
    await site.client(site.brokers[0], pub('r', body));
    consumer.send(line('FIN', lastId(consumer)));
    await site.advance(1000);
  }
  const unixMs = Number(site.server.clock.unixNs() / 1_000_000n) - 2500;

  const all = await replayed(site, { sequence: 1 }, 'all');
  const some = await replayed(site, { sequence: 3 }, 'some');
  const since = await replayed(site, { unixMs }, 'since');

  assert.deepEqual(all, ['message 1 a', 'message 1 b', 'message 1 c']);
  assert.deepEqual(some, ['message 1 c']);
  assert.deepEqual(since, ['message 1 b', 'message 1 c']);
});

test('replicated topic: without retention no channel begins with kept messages', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  await site.client(broker, pub('r', 'a'));
  const topic = broker.topics.get('r');
  const channel = parseChannelName('again');
  assert.ok(topic !== undefined && channel !== undefined);

  const starting = broker.topics.startChannel(topic, channel, { sequence: 1 });
  await site.turns();

  assert.equal(await starting, 'the topic does not keep finished messages');
  assert.deepEqual([...topic.channels.keys()], []);
});

test('replicated topic: a channel that stands still in the store is mended, and that is counted', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const consumer = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 1));
  site.server.areStalled = true;
  site.server.mendingAttempt = 1;
  await site.client(broker, pub('r', 'a'));
  for (let step = 0; step < 60; step++) await site.advance(500);
  const before = framesOf(consumer);
  for (let step = 0; step < 10; step++) await site.advance(500);
  const lines = broker.events.flatMap((event) => (event.event === 'log' ? [event.text] : []));

  assert.deepEqual([before, framesOf(consumer)], [['response OK'], ['message 1 a']]);
  assert.equal(broker.topics.storeStallCount, 2);
  assert.deepEqual(lines, [
    'STORE: channel c of topic r was stalled with unread messages: attempt 0',
    'STORE: channel c of topic r was stalled with unread messages: attempt 1',
  ]);
});

test('replicated topic: figures that the store cannot give now stop nothing', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const consumer = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 1));
  site.server.figuresError = 'no leader';
  for (let step = 0; step < 4; step++) await site.advance(500);
  await site.client(broker, pub('r', 'a'));

  assert.deepEqual(framesOf(consumer), ['response OK', 'message 1 a']);
  assert.equal(site.server.openCount, 2);
});

test('replicated topic: a channel without consumers here does not expire: others may have some', async () => {
  const site = new ReplicatedSite(2, { expires: '1s' });
  const [one, other] = site.brokers;
  await site.client(one, line('SUB', 'r', 'c'), line('RDY', 1));
  for (let step = 0; step < 10; step++) await site.advance(1000);

  assert.equal(other.topics.get('r')?.channels.get('c')?.members.size, 0);
});

test('replicated topic: a topic of a broker alone stays so', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const client = await site.client(
    one,
    pub('local', 'a'),
    line('SUB', 'local', 'c'),
    line('RDY', 1),
  );

  assert.deepEqual(framesOf(client), ['response OK', 'response OK', 'message 1 a']);
  assert.deepEqual(
    [one.topics.get('local')?.isReplicated, other.topics.get('local')],
    [false, undefined],
  );
});

test('replicated topic: nothing is lost, and nothing finished comes again, whatever happens', async (t) => {
  const seed = freshSeed();
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const site = new ReplicatedSite(2);
  const finished = new Set<string>();
  const held = new Map<FakeSocket, { seen: number; ids: string[] }>();
  for (const broker of site.brokers) {
    const socket = await site.client(broker, line('SUB', 'r', 'c'), line('RDY', 3));
    held.set(socket, { seen: 0, ids: [] });
  }
  const publisher = await site.client(site.brokers[0]);
  let published = 0;

  for (let step = 0; step < 300; step++) {
    if (random(3) === 0)
      publisher.send(
        mpub(
          'r',
          bodies(1 + random(4), () => published++),
        ),
      );
    for (const [socket, state] of held) act(socket, state, random, finished);
    if (random(10) === 0) await site.advance(random(2000));
    else await site.turns();
  }
  for (let round = 0; site.server.unfinishedCount('r', 'c') > 0; round++) {
    assert.ok(round < 1000, 'all messages are finished in the end');
    for (const [socket, state] of held) act(socket, state, () => 0, finished);
    await site.advance(1000);
  }

  assert.equal(finished.size, published);
});

test('replicated topic: with a store that is slow, absent or forgetful nothing acknowledged is lost', async (t) => {
  const seed = freshSeed();
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const site = new ReplicatedSite(2);
  const { server, stores } = site;
  const consumers = await Promise.all(
    site.brokers.map((broker) => site.client(broker, line('SUB', 'r', 'c'), line('RDY', 3))),
  );
  const publishers: { socket: FakeSocket; sent: string[] }[] = [];
  const seen = new Map(consumers.map((socket) => [socket, 0]));
  const finished = new Set<string>();
  let published = 0;
  for (const store of stores) store.loses = () => random(12) === 0;

  for (let step = 0; step < 400; step++) {
    server.holdsAnswers = random(4) === 0;
    if (!server.holdsAnswers) for (const answer of server.unanswered.splice(0)) answer(null);
    if (random(3) === 0) {
      // A refusal ends the connection.
      let publisher = publishers.find(({ socket }) => !socket.hasEnded);
      if (publisher === undefined) {
        publisher = { socket: await site.client(site.brokers[random(2)]), sent: [] };
        publishers.push(publisher);
      }
      const body = String(published++);
      publisher.sent.push(body);
      publisher.socket.send(pub('r', body));
    }
    const store = stores[random(2)];
    if (random(25) === 0) store.setAbsence(store.absence === null ? 'away' : null);
    finishAll(consumers, seen, finished, () => random(3) > 0);
    if (random(8) === 0) await site.advance(random(4000));
    else await site.turns();
  }
  server.holdsAnswers = false;
  for (const answer of server.unanswered.splice(0)) answer(null);
  for (const store of stores) {
    store.loses = () => false;
    store.setAbsence(null);
  }
  for (let round = 0; server.unfinishedCount('r', 'c') > 0; round++) {
    assert.ok(round < 500, 'all messages are finished in the end');
    finishAll(consumers, seen, finished, () => true);
    await site.advance(1000);
  }

  const acknowledged = publishers.flatMap(({ socket, sent }) => {
    const answers = framesOf(socket);
    return sent.filter((_, index) => answers[index] === 'response OK');
  });
  t.diagnostic(`${published} published, ${acknowledged.length} acknowledged`);
  assert.ok(acknowledged.length > 0 && acknowledged.length < published);
  assert.deepEqual(
    acknowledged.filter((body) => !finished.has(body)),
    [],
  );
});

/** Finishes messages that consumers have got since the last call, but for some that are left to time out. */
function finishAll(
  consumers: readonly FakeSocket[],
  seen: Map<FakeSocket, number>,
  finished: Set<string>,
  isFinished: () => boolean,
): void {
  for (const socket of consumers) {
    const came = messagesOf(socket.written);
    for (const { id, body } of came.slice(seen.get(socket))) {
      if (!isFinished()) continue;
      socket.send(line('FIN', id));
      finished.add(body);
    }
    seen.set(socket, came.length);
  }
}

function bodies(count: number, next: () => number): string[] {
  return Array.from({ length: count }, () => String(next()));
}

/** Finishes, gives back or keeps what a consumer has; 0 finishes. */
function act(
  socket: FakeSocket,
  state: { seen: number; ids: string[] },
  random: Random,
  finished: Set<string>,
): void {
  const ids = messageIds(socket.written);
  for (const id of ids.slice(state.seen)) {
    assert.ok(!finished.has(id), `${id} was finished`);
    state.ids.push(id);
  }
  state.seen = ids.length;
  const kept: string[] = [];
  for (const id of state.ids) {
    const dice = random(4);
    if (dice <= 1) {
      socket.send(line('FIN', id));
      finished.add(id);
    } else if (dice === 2) socket.send(line('REQ', id, random(2) * 3000));
    else kept.push(id);
  }
  state.ids = kept;
}

test('replicated topic: every broker is told of a policy, and of its end', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  const sharing = [
    one.sharePolicy({ name: 'p', text: '{}' }),
    one.sharePolicy({ name: 'p', text: null }),
  ];
  await site.turns();
  await Promise.all(sharing);
  site.stores[0].setAbsence('the connection is lost');
  const refused = assert.rejects(
    one.sharePolicy({ name: 'q', text: '{}' }),
    /failed to tell other brokers - the connection is lost$/,
  );
  await site.turns();
  await refused;

  const told = other.events.filter(({ event }) => event === 'policy');
  assert.deepEqual(told, [
    { event: 'policy', name: 'p', text: '{}' },
    { event: 'policy', name: 'p', text: null },
  ]);
});
