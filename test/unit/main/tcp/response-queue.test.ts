import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PendingResponse, ResponseQueue } from '../../../../src/main/tcp/response-queue.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const SEED = 7;

function queueWith(sent: string[]): ResponseQueue {
  return new ResponseQueue(
    (frame) => sent.push(frame.toString()),
    () => sent.push('settled'),
  );
}

test('ResponseQueue: nothing waited for, responses go at once', () => {
  const sent: string[] = [];
  const queue = queueWith(sent);

  queue.respond(Buffer.from('a'));

  assert.deepStrictEqual([sent, queue.isPending], [['a'], false]);
});

test('ResponseQueue: responses wait for those before them', () => {
  const sent: string[] = [];
  const queue = queueWith(sent);
  const first = queue.reserve();
  queue.respond(Buffer.from('b'));
  const third = queue.reserve();
  queue.settle(third, Buffer.from('c'));
  const before = [[...sent], queue.isPending];

  queue.settle(first, Buffer.from('a'));

  assert.deepStrictEqual(before, [[], true]);
  assert.deepStrictEqual([sent, queue.isPending], [['a', 'b', 'c', 'settled'], false]);
});

test('ResponseQueue: a place that is empty holds up what is behind it', () => {
  const sent: string[] = [];
  const queue = queueWith(sent);
  const first = queue.reserve();
  queue.reserve();
  queue.respond(Buffer.from('c'));

  queue.settle(first, Buffer.from('a'));

  assert.deepStrictEqual([sent, queue.isPending], [['a'], true]);
});

test('ResponseQueue: whoever is told that all is settled may respond at once', () => {
  const sent: string[] = [];
  const queue: ResponseQueue = new ResponseQueue(
    (frame) => sent.push(frame.toString()),
    () => queue.respond(Buffer.from('next')),
  );

  queue.settle(queue.reserve(), Buffer.from('a'));

  assert.deepStrictEqual(sent, ['a', 'next']);
});

test('ResponseQueue: whatever order places are filled in, responses keep theirs', () => {
  const random = seededRandom(SEED);
  const sent: string[] = [];
  const queue = queueWith(sent);
  const open: [PendingResponse, string][] = [];
  const expected: string[] = [];
  for (let number = 0; number < 500; number++) {
    expected.push(`${number}`);
    if (random(2) === 0) queue.respond(Buffer.from(`${number}`));
    else open.push([queue.reserve(), `${number}`]);
    while (open.length > 0 && random(5) < 2) settleOne();
  }
  while (open.length > 0) settleOne();

  const frames = sent.filter((frame) => frame !== 'settled');
  assert.deepStrictEqual(frames, expected, `seed ${SEED}`);

  function settleOne(): void {
    const [[response, text]] = open.splice(random(open.length), 1);
    queue.settle(response, Buffer.from(text));
  }
});
