import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APPENDED, OPENED } from '../../../../../src/workers/disk-records.ts';
import { Receipt } from '../../../../../src/workers/pump/backend/append-lane.ts';
import { DiskLink } from '../../../../../src/workers/pump/backend/disk-link.ts';
import { StreamBackend } from '../../../../../src/workers/pump/backend/stream-backend.ts';
import {
  TopicBacklog,
  WriteBacklog,
} from '../../../../../src/workers/pump/backend/write-backlog.ts';
import { MessageStore } from '../../../../../src/workers/pump/store/message-store.ts';
import { PULLED, STARTED } from '../../../../../src/workers/stream-records.ts';
import { record } from '../../../../support/backend-bench.ts';
import { DiskSide } from '../../../../support/disk-side.ts';
import { bodiesIn, putInStore } from '../../../../support/pump-parts.ts';

/** The topic `t` or its channel `c`, number 1, over real rings, against a store that the test plays. */
class StreamBench {
  readonly store = new MessageStore();
  readonly server = new DiskSide();
  readonly backend: StreamBackend;
  readonly log: string[] = [];
  capacity = 10;
  mayRead = true;
  nowMs = 0;
  readonly #link: DiskLink;

  constructor(channel = 'c') {
    const { requests, replies, bell } = this.server.link;
    this.#link = new DiskLink(requests, replies, bell, () => undefined);
    this.backend = new StreamBackend({
      name: {
        topic: 't',
        channel,
        replication: { replicas: 1, retention: { ageMs: 0, bytes: 0 } },
      },
      store: this.store,
      link: this.#link,
      backlog: new TopicBacklog(new WriteBacklog(), () => undefined),
      listener: {
        capacity: () => this.capacity,
        mayRead: () => this.mayRead,
        onStarved: () => this.log.push('starved'),
        onReadable: () => this.log.push('readable'),
        onHealth: (error) => this.log.push(`health ${error}`),
        onEnded: () => this.log.push('ended'),
      },
    });
  }

  /** Takes the answers, writes what is due. Returns the requests. */
  turn(): string[] {
    this.#link.poll(this.nowMs);
    this.#link.flush(this.nowMs);
    return this.server.take();
  }

  open(): this {
    this.turn();
    this.server.opened(1);
    this.turn();
    return this;
  }

  /** Fetches messages, numbered from `first` on. */
  fetch(first: number, ...bodies: readonly string[]): void {
    this.backend.demand();
    this.turn();
    this.server.records(1, bodies.map(record), 0, { first });
    this.server.answer(PULLED, 1, 0, null);
    this.turn();
    this.log.length = 0;
  }

  /** Takes the oldest fetched message. Returns its position. */
  takeOne(): number {
    const { position } = this.backend.fetched;
    this.backend.take(1);
    return position;
  }

  done(name: string): (error: string | null) => void {
    return (error) => this.log.push(`${name}: ${error}`);
  }
}

test('StreamBackend: asks for as many messages as its consumers can take, once at a time', () => {
  const bench = new StreamBench();
  const opening = bench.turn();
  bench.server.opened(1);
  bench.turn();

  bench.backend.demand();
  bench.backend.demand();
  const first = bench.turn();
  bench.backend.demand();
  const second = bench.turn();
  bench.server.answer(PULLED, 1, 0, null);
  bench.turn();
  bench.capacity = 5000;
  bench.backend.demand();

  assert.deepStrictEqual(opening, ['OPEN_STREAM 1 t:c']);
  assert.deepStrictEqual([first, second, bench.turn()], [['PULL 1 10'], [], ['PULL 1 2048']]);
});

test('StreamBackend: asks for nothing that nobody can take, or that memory has no room for', () => {
  const bench = new StreamBench().open();

  bench.capacity = 0;
  bench.backend.demand();
  bench.capacity = 5;
  bench.mayRead = false;
  bench.backend.demand();

  assert.deepStrictEqual([bench.turn(), bench.log], [[], ['starved']]);
});

test('StreamBackend: fetched messages can be taken, and are finished by their numbers', () => {
  const bench = new StreamBench().open();
  bench.fetch(7, 'a', 'b', 'c');
  const { fetched, bytes } = { fetched: bench.backend.fetched.count, bytes: bench.backend.bytes };
  const positions = [bench.takeOne(), bench.takeOne(), bench.takeOne()];

  bench.backend.finish(positions[0], 1);
  bench.backend.finish(positions[2], 1);
  bench.backend.giveBack(positions[1], 5000);

  assert.deepStrictEqual([fetched, bytes, bench.backend.bytes], [3, 93, 0]);
  assert.deepStrictEqual(
    positions.flatMap((position) => bodiesIn(bench.store, position, 1)),
    ['a', 'b', 'c'],
  );
  assert.deepStrictEqual(bench.turn(), ['UPDATE 1 8,0,5000', 'FINISH 1 7 9']);
});

test('StreamBackend: what is fetched and not taken for a second goes back', () => {
  const bench = new StreamBench().open();
  bench.fetch(0, 'a', 'b');

  bench.nowMs = 999;
  const early = bench.turn();
  bench.nowMs = 1000;
  const late = bench.turn();

  assert.deepStrictEqual(early, []);
  assert.deepStrictEqual(late, ['UPDATE 1 0,0,0 1,0,0']);
  assert.equal(bench.backend.fetched.count, 0);
});

test('StreamBackend: while some are taken the others stay', () => {
  const bench = new StreamBench().open();
  bench.fetch(0, 'a', 'b', 'c');

  bench.takeOne();
  bench.nowMs = 1000;
  bench.turn();

  assert.equal(bench.backend.fetched.count, 2);
});

test('StreamBackend: without consumers the pull ends, and what was fetched goes back', () => {
  const bench = new StreamBench().open();
  bench.fetch(0, 'a');
  bench.takeOne();
  bench.backend.demand();
  bench.turn();

  bench.backend.rest();
  const resting = bench.turn();
  bench.server.answer(PULLED, 1, 0, null);
  bench.turn();
  bench.backend.rest();

  assert.deepStrictEqual([resting, bench.turn()], [['REST 1'], []]);
});

test('StreamBackend: messages of a topic pass to the store, which may refuse them', () => {
  const bench = new StreamBench('').open();
  const receipt = new Receipt(true, ({ error }) => bench.log.push(`published: ${error}`));
  bench.backend.put(putInStore(bench.store, ['a', 'b']), 2, 0, 0, receipt);
  receipt.seal();

  const requests = bench.turn();
  bench.server.answer(APPENDED, 1, 0, 'no quorum');
  bench.turn();

  assert.deepStrictEqual(requests, ['APPEND 1 a b']);
  assert.deepStrictEqual(bench.log, ['published: no quorum']);
  assert.ok(bench.backend.isAccepting, 'only the opening tells of the health');
});

test('StreamBackend: is unhealthy until it is open, and tells who waits for that', () => {
  const bench = new StreamBench();
  bench.turn();
  bench.backend.whenStored(bench.done('first'));

  bench.server.answer(OPENED, 1, 0, 'not reached');
  bench.turn();
  const isAccepting = bench.backend.isAccepting;
  bench.backend.whenStored(bench.done('second'));
  bench.server.opened(1);
  bench.turn();
  bench.backend.whenStored(bench.done('third'));

  assert.equal(isAccepting, false);
  assert.deepStrictEqual(bench.log, [
    'health not reached',
    'first: not reached',
    'health null',
    'second: null',
    'third: null',
  ]);
});

test('StreamBackend: channels that start with kept messages are created in order, each once', () => {
  const bench = new StreamBench('').open();
  const start = (channel: string, sequence: number): void =>
    bench.backend.startChannel({ channel, start: { sequence } }, bench.done(channel));
  start('one', 3);
  start('two', 4);
  const both = bench.turn();
  start('three', 5);

  const last = bench.turn();
  bench.server.answer(STARTED, 1, 0, null);
  bench.server.answer(STARTED, 1, 0, 'it is too old');
  bench.turn();
  bench.backend.delete(bench.done('delete'));
  bench.turn();
  bench.server.deleted(1);
  bench.turn();

  assert.deepStrictEqual(both, ['START 1 one {"sequence":3}', 'START 1 two {"sequence":4}']);
  assert.deepStrictEqual(last, ['START 1 three {"sequence":5}']);
  assert.deepStrictEqual(bench.log, [
    'one: null',
    'two: it is too old',
    'three: the topic is deleted',
    'ended',
    'delete: null',
  ]);
});

test('StreamBackend: the last of several pauses of a turn counts', () => {
  const bench = new StreamBench().open();
  bench.backend.setPaused(true);
  bench.backend.setPaused(false);
  bench.backend.setPaused(true);

  assert.deepStrictEqual([bench.turn(), bench.turn()], [['PAUSE 1 1'], []]);
});

test('StreamBackend: counts are those of the store, beyond 32 bits', () => {
  const bench = new StreamBench().open();
  bench.server.figures(1, 2 ** 40 + 5);
  bench.turn();
  const { messageCount } = bench.backend;
  bench.server.answer(PULLED, 1, 2 ** 33, null, 4);
  bench.turn();

  assert.equal(messageCount, 2 ** 40 + 5);
  assert.deepStrictEqual([bench.backend.depth, bench.backend.deferredCount], [2 ** 33, 4]);
});

test('StreamBackend: emptying drops what it holds, and what comes before the answer', () => {
  const bench = new StreamBench().open();
  bench.fetch(0, 'a', 'b');
  const taken = bench.takeOne();
  bench.backend.finish(taken, 1);

  bench.backend.empty(bench.done('empty'));
  const requests = bench.turn();
  bench.server.records(1, [record('late')], 0, { first: 2 });
  bench.server.emptied(1);
  bench.turn();

  assert.deepStrictEqual(requests, ['EMPTY_QUEUE 1']);
  assert.deepStrictEqual([bench.backend.fetched.count, bench.backend.depth], [0, 0]);
  assert.deepStrictEqual(bench.log, ['empty: null']);
});

test('StreamBackend: closes after its writes, and asks for nothing afterwards', () => {
  const bench = new StreamBench('').open();
  bench.backend.put(putInStore(bench.store, ['a']), 1, 0, 0, null);
  bench.turn();

  bench.backend.close(bench.done('close'));
  const waiting = bench.turn();
  bench.server.appendedOk(1, 0);
  const closing = bench.turn();
  bench.backend.demand();
  bench.backend.setPaused(true);
  const afterwards = bench.turn();
  bench.server.closed(1);
  bench.turn();

  assert.deepStrictEqual([waiting, closing, afterwards], [[], ['CLOSE 1'], []]);
  assert.deepStrictEqual(bench.log, ['ended', 'close: null']);
});
