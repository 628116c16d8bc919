import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TurnBudget } from '../../../../src/main/limits/turn-budget.ts';
import { MAGIC, mpub, pub } from '../../../../src/protocol/commands.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import type { FakeSocket } from '../../../support/fake-socket.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { wire } from '../../../support/wire.ts';

const LARGE = 1_000_000;

function setUp(): { budget: TurnBudget; clock: ManualClock; requests: () => number } {
  let requests = 0;
  const clock = new ManualClock();
  const budget = new TurnBudget(
    () => {
      requests++;
    },
    () => clock.monotonicMs(),
  );
  return { budget, clock, requests: () => requests };
}

describe('TurnBudget', () => {
  test('TurnBudget: a quota is part of the budget, and a little is always left', () => {
    const { budget } = setUp();
    const first = budget.quota();
    budget.spend(first);
    const second = budget.quota();
    budget.spend(LARGE);
    const least = budget.quota();

    budget.nextTurn();

    assert.deepStrictEqual([second, budget.quota()], [first, first]);
    assert.ok(least > 0 && least < first, `${least} of ${first}`);
  });

  test('TurnBudget: throttled clients are released in order, as many as a budget allows', () => {
    const { budget, requests } = setUp();
    const order: string[] = [];
    const client = (name: string, cost: number): { release: () => void } => ({
      release: () => {
        order.push(name);
        budget.spend(cost);
        if (order.length < 8) budget.throttle(client(name, cost));
      },
    });
    budget.throttle(client('a', LARGE));
    budget.throttle(client('b', 1));
    budget.throttle(client('c', LARGE));
    const turns: string[] = [];
    for (let turn = 0; turn < 5; turn++) {
      budget.nextTurn();
      turns.push(order.splice(0).join(''));
    }

    assert.deepStrictEqual(turns, ['a', 'bc', 'a', 'bc', 'a']);
    assert.ok(requests() >= 5);
  });

  test('TurnBudget: when a turn takes long, what is left of it is little, and few go on', () => {
    const { budget, clock } = setUp();
    const first = budget.quota();
    clock.advance(100);
    const late = budget.quota();
    budget.nextTurn();
    const next = budget.quota();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      budget.throttle({
        release: () => {
          clock.advance(100);
          order.push(name);
        },
      });
    }

    budget.nextTurn();
    const released = order.join('');
    budget.nextTurn();

    assert.ok(late < first, `${late} of ${first}`);
    assert.deepStrictEqual([next, released, order.join('')], [first, 'a', 'ab']);
  });

  test('TurnBudget: no turn is requested while no client is throttled', () => {
    const { budget, requests } = setUp();

    budget.nextTurn();

    assert.equal(requests(), 0);
  });

  test('TurnBudget: a turn releases few clients, however many are throttled', () => {
    const { budget } = setUp();
    let count = 0;
    for (let index = 0; index < 1000; index++) budget.throttle({ release: () => count++ });

    budget.nextTurn();

    assert.ok(count > 0 && count <= 16, `${count} go on`);
  });
});

describe('Connection: its quota of a turn', () => {
  /** A client that is subscribed and gets everything of topic `t`. */
  async function consumerOf(broker: BrokerTurns): Promise<FakeSocket> {
    const consumer = broker.connect();
    consumer.send(wire(MAGIC, 'SUB t c\nRDY 2500\n'));
    await broker.turns();
    consumer.frames();
    return consumer;
  }

  test('Connection: a client that pipelines gets everything done, but others come between', async () => {
    const broker = new BrokerTurns();
    const consumer = await consumerOf(broker);
    const hasty = broker.connect();
    const other = broker.connect();
    hasty.send(wire(MAGIC, ...Array.from({ length: 2400 }, () => pub('t', 'hasty'))));
    other.send(wire(MAGIC, pub('t', 'other')));

    await broker.turns();

    const bodies = consumer.frames();
    assert.deepStrictEqual([bodies.length, hasty.frames().length], [2401, 2400]);
    const place = bodies.indexOf('message 1 other');
    assert.ok(place > 0 && place < 1000, `the other one is number ${place}`);
    assert.equal(hasty.isPaused, false);
  });

  test('Connection: a client that sends large bodies leaves time for others too', async (t) => {
    const broker = new BrokerTurns();
    const client = broker.connect();
    const pause = t.mock.method(client.socket, 'pause');
    const bytes = wire(
      MAGIC,
      mpub(
        't',
        Array.from({ length: 40 }, () => 'x'.repeat(100_000)),
      ),
    );
    const half = bytes.length / 2;

    client.send(bytes.subarray(0, half));
    await broker.turns();
    const before = [pause.mock.callCount(), client.isPaused];
    client.send(bytes.subarray(half));
    await broker.turns();

    assert.deepStrictEqual(before, [1, false]);
    assert.deepStrictEqual([pause.mock.callCount(), client.frames()], [2, ['response OK']]);
  });

  test('Connection: a client that ends while it is throttled is answered first', async () => {
    const broker = new BrokerTurns();
    const client = broker.connect();
    client.send(wire(MAGIC, ...Array.from({ length: 3000 }, () => pub('t', 'x'))));
    client.end();

    await broker.turns();

    assert.deepStrictEqual([client.frames().length, client.hasEnded], [3000, true]);
    assert.deepStrictEqual(broker.closed, [1]);
  });

  test('Connection: a client that is gone while it is throttled does no harm', async () => {
    const broker = new BrokerTurns();
    const [gone, other] = [broker.connect(), broker.connect()];
    gone.send(wire(MAGIC, 'NOP\n'.repeat(60_000)));
    gone.socket.destroy();
    other.send(wire(MAGIC, pub('t', 'x')));

    await broker.turns();

    assert.deepStrictEqual([broker.closed, other.frames()], [[1], ['response OK']]);
  });

  test('Connection: refusals are deducted from later quotas', async () => {
    const broker = new BrokerTurns();
    const client = await consumerOf(broker);
    const refused = Array.from({ length: 4000 }, () => 'FIN 0123456789abcdef\n').join('');
    const other = broker.connect();
    other.send(MAGIC);
    await broker.turns();
    client.send(refused);
    await broker.turns();
    client.send(wire(...Array.from({ length: 100 }, () => pub('t', 'hasty'))));
    other.send(pub('t', 'other'));

    await broker.turns();

    const bodies = client.frames().filter((frame) => frame.startsWith('message'));
    assert.deepStrictEqual([bodies.length, bodies[0]], [101, 'message 1 other']);
  });
});
