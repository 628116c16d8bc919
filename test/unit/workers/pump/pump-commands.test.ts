import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as records from '../../../../src/shared/records.ts';
import { allocateRing, RingReader, RingWriter } from '../../../../src/shared/ring/ring.ts';
import { METER } from '../../../../src/shared/thread-meter.ts';
import type { Consumer } from '../../../../src/workers/pump/consumer.ts';
import { Outbox } from '../../../../src/workers/pump/outbox.ts';
import { PumpCommands } from '../../../../src/workers/pump/pump-commands.ts';
import { PumpMeter } from '../../../../src/workers/pump/pump-meter.ts';
import type { PumpState } from '../../../../src/workers/pump/pump-state.ts';
import { ChannelBench, type Got, UNIX_MS } from '../../../support/channel-bench.ts';
import { idWords } from '../../../support/message-bytes.ts';

const UNKNOWN_ID = '00000000000000ff';

/** A channel with consumers, whose commands come over a ring. */
class Side {
  readonly bench = new ChannelBench();
  /** The time when a command is carried out, later than its turn's. */
  nowMs = 0;
  readonly #ring: RingWriter;
  readonly #reader: RingReader;
  readonly #consumers = new Map<number, Consumer>();
  readonly #commands: PumpCommands;
  readonly #outbox: Outbox;

  constructor() {
    const memory = allocateRing(64 * 1024);
    this.#ring = new RingWriter(memory);
    this.#reader = new RingReader(memory);
    this.#outbox = new Outbox(this.bench.main.producer);
    const state: Pick<PumpState, 'consumer' | 'channelOf'> = {
      consumer: (number) => this.#consumers.get(number),
      channelOf: () => this.bench.channel,
    };
    this.#commands = new PumpCommands(state, this.#outbox, {
      commands: this.#reader,
      meter: new PumpMeter(this.bench.thread, () => UNIX_MS),
      monotonicMs: () => this.nowMs,
    });
  }

  subscribe(readyCount: number, fields: Partial<Consumer> = {}): Consumer {
    const consumer = this.bench.subscribe(readyCount, fields);
    this.#consumers.set(consumer.number, consumer);
    return consumer;
  }

  /** Carries out one record; returns how much work it was. */
  send(type: number, ...fields: readonly number[]): number {
    const offset = this.#ring.claim(4 * fields.length);
    this.#ring.words.set(fields, offset >>> 2);
    this.#ring.commit(type, 4 * fields.length);
    this.#ring.publish();
    this.#reader.look();
    const work = this.#commands.take(this.#reader.front(), this.bench.nowMs);
    this.#reader.pop();
    this.#reader.release();
    return work;
  }

  /** The refusals of commands, in words. */
  refusals(): string[] {
    this.bench.main.producer.publish();
    return this.bench.main.take().map((heard) => {
      assert.ok('refused' in heard);
      return `${heard.command} of ${heard.consumer}: ${heard.refused} ${heard.reason}`;
    });
  }

  counted(counter: number): number {
    return this.bench.thread.numbers[counter];
  }
}

/** A consumer with two messages in flight. */
function setUp(): { side: Side; consumer: Consumer; got: Got[] } {
  const side = new Side();
  const consumer = side.subscribe(2);
  side.bench.put('a', 'b', 'c');
  const got = side.bench.deliver();
  assert.deepStrictEqual(
    got.map(({ body }) => body),
    ['a', 'b'],
  );
  return { side, consumer, got };
}

test('PumpCommands: FIN finishes all of its messages, and makes room for others', () => {
  const { side, consumer, got } = setUp();
  const ids = got.flatMap(({ id }) => idWords(id));

  assert.equal(side.send(records.FINISH, consumer.number, ...ids), 2);
  assert.equal(side.bench.channel.inFlightCount, 0);
  assert.equal(side.counted(METER.finishes), 2);
  assert.deepStrictEqual(side.refusals(), []);
  assert.deepStrictEqual(
    side.bench.deliver().map(({ body }) => body),
    ['c'],
  );
});

test('PumpCommands: of a FIN of several messages only those that nobody has are refused', () => {
  const { side, consumer, got } = setUp();
  const ids = [got[0].id, UNKNOWN_ID, got[1].id].flatMap(idWords);

  assert.equal(side.send(records.FINISH, consumer.number, ...ids), 3);
  assert.deepStrictEqual(side.refusals(), [`FIN of ${consumer.number}: ${UNKNOWN_ID} not found`]);
  assert.equal(side.bench.channel.inFlightCount, 0);
});

test('PumpCommands: REQ puts a message back, and makes room for it', () => {
  const { side, consumer, got } = setUp();

  assert.equal(side.send(records.REQUEUE, consumer.number, ...idWords(got[0].id), 0), 1);
  assert.equal(side.counted(METER.requeues), 1);
  assert.equal(side.bench.channel.inFlightCount, 1);
  assert.ok(side.bench.activations > 0);
  const [{ body }] = side.bench.deliver();
  assert.ok(['a', 'c'].includes(body));
});

test('PumpCommands: the delay of a REQ begins when it is carried out, not when its turn began', () => {
  const { side, consumer, got } = setUp();
  side.nowMs = 30;
  side.send(records.REQUEUE, consumer.number, ...idWords(got[0].id), 100);
  side.send(records.FINISH, consumer.number, ...idWords(got[1].id));
  assert.equal(side.bench.channel.deferredCount, 1);

  side.bench.advance(128);
  assert.equal(side.bench.channel.deferredCount, 1);
  side.bench.advance(3);
  assert.equal(side.bench.channel.deferredCount, 0);
});

test('PumpCommands: TOUCH restarts the timeout of a message', () => {
  const { side, consumer, got } = setUp();
  side.bench.advance(60);

  assert.equal(side.send(records.TOUCH, consumer.number, ...idWords(got[0].id)), 1);
  assert.equal(side.counted(METER.touches), 1);
  side.bench.advance(60);
  // The other message has timed out, 100 ms after its delivery.
  assert.equal(side.bench.channel.inFlightCount, 1);
  assert.deepStrictEqual(side.refusals(), []);
});

test('PumpCommands: RDY lets a consumer have more messages, or none', () => {
  const { side, consumer } = setUp();
  assert.equal(side.send(records.READY, consumer.number, 3), 1);
  assert.equal(side.counted(METER.readies), 1);
  assert.deepStrictEqual(
    side.bench.deliver().map(({ body }) => body),
    ['c'],
  );

  side.send(records.READY, consumer.number, 0);
  side.bench.put('d');
  assert.deepStrictEqual(side.bench.deliver(), []);
});

test('PumpCommands: credit opens the window of a consumer whose socket was slow', () => {
  const side = new Side();
  const consumer = side.subscribe(10, { windowBytes: 1 });
  side.bench.put('a', 'b');
  side.bench.deliver();
  const { windowBytes } = consumer;
  assert.ok(windowBytes <= 0);
  side.bench.put('c');
  assert.deepStrictEqual(side.bench.deliver(), []);

  assert.equal(side.send(records.CREDIT, consumer.number, 1000), 1);
  assert.equal(consumer.windowBytes, windowBytes + 1000);
  assert.equal(side.bench.deliver().length > 0, true);
});

describe('PumpCommands: a message of another consumer is refused', () => {
  const commands: readonly (readonly [string, number, number[]])[] = [
    ['FIN', records.FINISH, []],
    ['REQ', records.REQUEUE, [0]],
    ['TOUCH', records.TOUCH, []],
  ];
  for (const [name, type, rest] of commands) {
    test(name, () => {
      const { side, got } = setUp();
      const other = side.subscribe(0);
      side.send(type, other.number, ...idWords(got[0].id), ...rest);

      assert.deepStrictEqual(side.refusals(), [
        `${name} of ${other.number}: ${got[0].id} not owner`,
      ]);
      assert.equal(side.bench.channel.inFlightCount, 2);
    });
  }
});

describe('PumpCommands: of a consumer that is gone', () => {
  const commands: readonly (readonly [string, number, number[]])[] = [
    ['FIN', records.FINISH, idWords(UNKNOWN_ID)],
    ['REQ', records.REQUEUE, [...idWords(UNKNOWN_ID), 0]],
    ['TOUCH', records.TOUCH, idWords(UNKNOWN_ID)],
    ['RDY', records.READY, [1]],
    ['credit', records.CREDIT, [100]],
  ];
  for (const [name, type, fields] of commands) {
    test(`${name} does nothing`, () => {
      const { side } = setUp();

      assert.equal(side.send(type, 99, ...fields), 1);
      assert.deepStrictEqual(side.refusals(), []);
      assert.equal(side.bench.channel.inFlightCount, 2);
      for (const counter of [METER.finishes, METER.requeues, METER.touches, METER.readies]) {
        assert.equal(side.counted(counter), 0);
      }
    });
  }
});

test('PumpCommands: a record that no consumer sends is a bug', () => {
  const { side, consumer } = setUp();

  assert.throws(() => side.send(records.BARRIER, consumer.number), /main sends no other commands/);
});
