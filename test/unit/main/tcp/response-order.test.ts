import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PendingResponse, ResponseOrder } from '../../../../src/main/tcp/response-order.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const SEED = 7;

function outputTo(sent: string[]): { add: (frame: Buffer) => void; addOk: () => void } {
  return { add: (frame) => sent.push(frame.toString()), addOk: () => sent.push('OK') };
}

/** A pump that has taken what was sent when the test says so. */
class SlowPump {
  readonly #waiting: (() => void)[] = [];

  get barrierCount(): number {
    return this.#waiting.length;
  }

  barrier(done: () => void): void {
    this.#waiting.push(done);
  }

  answer(): void {
    this.#waiting.shift()?.();
  }
}

function orderWith(sent: string[]): ResponseOrder {
  return new ResponseOrder(outputTo(sent), () => sent.push('settled'));
}

test('ResponseOrder: nothing waited for, responses go at once', () => {
  const sent: string[] = [];
  const order = orderWith(sent);

  order.respond(Buffer.from('a'));

  assert.deepStrictEqual([sent, order.isPending], [['a'], false]);
});

test('ResponseOrder: responses wait for those before them', () => {
  const sent: string[] = [];
  const order = orderWith(sent);
  const first = order.reserve();
  order.respond(Buffer.from('b'));
  const third = order.reserve();
  order.settle(third, Buffer.from('c'));
  const before = [[...sent], order.isPending];

  order.settle(first, Buffer.from('a'));

  assert.deepStrictEqual(before, [[], true]);
  assert.deepStrictEqual([sent, order.isPending], [['a', 'b', 'c', 'settled'], false]);
});

test('ResponseOrder: a place that is empty holds up what is behind it', () => {
  const sent: string[] = [];
  const order = orderWith(sent);
  const first = order.reserve();
  order.reserve();
  order.respond(Buffer.from('c'));

  order.settle(first, Buffer.from('a'));

  assert.deepStrictEqual([sent, order.isPending], [['a'], true]);
});

test('ResponseOrder: a listener of the settled order may respond at once', () => {
  const sent: string[] = [];
  const order: ResponseOrder = new ResponseOrder(outputTo(sent), () =>
    order.respond(Buffer.from('next')),
  );

  order.settle(order.reserve(), Buffer.from('a'));

  assert.deepStrictEqual(sent, ['a', 'next']);
});

test('ResponseOrder: whatever order places are filled in, responses keep theirs', () => {
  const random = seededRandom(SEED);
  const sent: string[] = [];
  const order = orderWith(sent);
  const open: [PendingResponse, string][] = [];
  const expected: string[] = [];
  for (let number = 0; number < 500; number++) {
    expected.push(`${number}`);
    if (random(2) === 0) order.respond(Buffer.from(`${number}`));
    else open.push([order.reserve(), `${number}`]);
    while (open.length > 0 && random(5) < 2) settleOne();
  }
  while (open.length > 0) settleOne();

  const frames = sent.filter((frame) => frame !== 'settled');
  assert.deepStrictEqual(frames, expected, `seed ${SEED}`);

  function settleOne(): void {
    const [[response, text]] = open.splice(random(open.length), 1);
    order.settle(response, Buffer.from(text));
  }
});

test('ResponseOrder: a response comes behind what a pump may still refuse, which is asked once', () => {
  const sent: string[] = [];
  const order = orderWith(sent);
  const pump = new SlowPump();
  order.expectRefusal(pump);
  order.expectRefusal(pump);
  order.respondOk();
  order.respond(Buffer.from('b'));
  const before = [[...sent], order.isPending, pump.barrierCount];

  pump.answer();
  order.respondOk();

  assert.deepStrictEqual(before, [[], true, 1]);
  assert.equal(sent[0].includes('OK'), true);
  assert.deepStrictEqual(sent.slice(1), ['b', 'settled', 'OK']);
});

test('ResponseOrder: what is waited for holds up an `OK`', () => {
  const sent: string[] = [];
  const order = orderWith(sent);
  const first = order.reserve();
  order.respondOk();

  order.settle(first, Buffer.from('a'));

  assert.deepStrictEqual([sent[0], sent[1].includes('OK'), sent[2]], ['a', true, 'settled']);
});

test('ResponseOrder: the end waits for refusals, and sends nothing for it', () => {
  const sent: string[] = [];
  const order = orderWith(sent);
  const pump = new SlowPump();
  order.expectRefusal(pump);
  order.end();
  const isPending = [order.isPending];
  pump.answer();
  isPending.push(order.isPending);
  order.end();

  assert.deepStrictEqual([isPending, order.isPending, sent], [[true, false], false, ['settled']]);
});

test('ResponseOrder: calls back at once where nothing can be refused', () => {
  const order = orderWith([]);
  const pump = new SlowPump();
  const calls: string[] = [];
  order.afterRefusals(() => calls.push('at once'));
  order.expectRefusal(pump);
  order.afterRefusals(() => calls.push('later'));
  calls.push(`${order.mayBeRefused}`);

  pump.answer();

  assert.deepStrictEqual(calls, ['at once', 'false', 'later']);
});
