import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TopicBacklog,
  WriteBacklog,
} from '../../../../../src/workers/pump/backend/write-backlog.ts';

const BOUNDS = { holdBytes: 1000, crowdedBytes: 4000, fullBytes: 8000 };

class Backlogs {
  readonly all = new WriteBacklog(BOUNDS);
  readonly log: string[] = [];

  topic(name: string): TopicBacklog {
    return new TopicBacklog(this.all, (isHeld) => this.log.push(`${name} ${isHeld}`));
  }
}

test('WriteBacklog: a topic is held beyond its part, until half of it is written', () => {
  const backlogs = new Backlogs();
  const [a, b] = [backlogs.topic('a'), backlogs.topic('b')];
  a.add(1000);
  b.add(900);
  a.add(1);
  a.add(500);
  a.remove(1000);
  const held = [...backlogs.log];
  a.remove(1);

  assert.deepStrictEqual([held, backlogs.log], [['a true'], ['a true', 'a false']]);
});

test('WriteBacklog: parts are smaller while all have much on its way', () => {
  const backlogs = new Backlogs();
  const topics = ['a', 'b', 'c', 'd'].map((name) => backlogs.topic(name));
  for (const topic of topics) topic.add(1000);
  const late = backlogs.topic('late');
  late.add(100);
  topics[0].add(1);
  late.add(30);
  const isFull = [backlogs.all.isFull];
  late.add(4000);
  isFull.push(backlogs.all.isFull);

  assert.deepStrictEqual(
    [backlogs.log, isFull],
    [
      ['a true', 'late true'],
      [false, true],
    ],
  );
});

test('WriteBacklog: queues of a topic wait for its writes to be answered, and go on in their order', () => {
  const told: number[] = [];
  const topic = new Backlogs().topic('a');
  const queues = Array.from({ length: 100 }, (_, index) => ({
    onMayWrite: () => told.push(index),
  }));
  const costs = [topic.onSent(600_000), topic.onSent(600_000)];
  const whileSent = topic.mayWrite;
  for (const queue of queues) topic.wait(queue);
  topic.forget(queues[1]);
  topic.onAnswered(costs[0]);
  const first = told.splice(0);
  topic.onAnswered(costs[1]);

  assert.deepStrictEqual([whileSent, topic.mayWrite], [false, true]);
  assert.deepStrictEqual([first.length, first.slice(0, 3)], [64, [0, 2, 3]]);
  assert.deepStrictEqual([told.length, told.at(-1)], [35, 99]);
});
