import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY, FULL, RingReader, RingWriter } from '../../../../src/shared/ring/ring.ts';
import { ringMemoryAt } from '../../../support/ring-memory.ts';

const TYPE = 7;

interface Ends {
  readonly producer: RingWriter;
  readonly consumer: RingReader;
}

function ends(capacity: number, position = 0): Ends {
  const memory = ringMemoryAt(capacity, position);
  return { producer: new RingWriter(memory), consumer: new RingReader(memory) };
}

function put(producer: RingWriter, text: string): boolean {
  const offset = producer.claim(text.length);
  if (offset === FULL) return false;
  producer.bytes.write(text, offset, 'latin1');
  producer.commit(TYPE, text.length);
  return true;
}

function takeAll(consumer: RingReader): string[] {
  const texts: string[] = [];
  consumer.look();
  while (consumer.front() !== EMPTY) {
    texts.push(
      consumer.bytes.toString('latin1', consumer.offset, consumer.offset + consumer.length),
    );
    consumer.pop();
  }
  return texts;
}

test('Ring: records come out in the order in which they went in', () => {
  const { producer, consumer } = ends(256);
  for (const text of ['a', '', 'ccc', 'dddddddddddd']) put(producer, text);
  producer.publish();

  const texts = takeAll(consumer);

  assert.deepStrictEqual(texts, ['a', '', 'ccc', 'dddddddddddd']);
});

test('Ring: the writer sees when everything is read', () => {
  const { producer, consumer } = ends(256);
  const seen = [producer.isRead];
  put(producer, 'a');
  producer.publish();
  seen.push(producer.isRead);
  takeAll(consumer);
  seen.push(producer.isRead);
  consumer.release();
  seen.push(producer.isRead);

  assert.deepStrictEqual(seen, [true, false, false, true]);
});

test('Ring: front shows the type, and shows the same record until pop', () => {
  const { producer, consumer } = ends(64);
  put(producer, 'abc');
  producer.publish();
  consumer.look();

  const first = [consumer.front(), consumer.offset, consumer.length];
  const second = [consumer.front(), consumer.offset, consumer.length];

  assert.deepStrictEqual([first, second], [first, [TYPE, 8, 3]]);
});

test('Ring: what is not published is not seen', () => {
  const { producer, consumer } = ends(64);
  put(producer, 'abc');

  const before = consumer.look();
  producer.publish();
  const after = consumer.look();

  assert.deepStrictEqual([before, after], [false, true]);
});

test('Ring: what is published after a look is seen at the next', () => {
  const { producer, consumer } = ends(64);
  put(producer, 'a');
  producer.publish();
  consumer.look();
  put(producer, 'b');
  producer.publish();

  consumer.front();
  consumer.pop();
  const beforeLook = consumer.front();
  const afterLook = takeAll(consumer);

  assert.deepStrictEqual([beforeLook, afterLook], [EMPTY, ['b']]);
});

test('Ring: publish answers whether there was anything to show', () => {
  const { producer } = ends(64);

  const answers = [producer.publish(), put(producer, 'a'), producer.hasUnpublished];
  answers.push(producer.publish(), producer.hasUnpublished, producer.publish());

  assert.deepStrictEqual(answers, [false, true, true, true, false, false]);
});

test('Ring: an abandoned claim is never seen and takes no room', () => {
  const { producer, consumer } = ends(64);
  for (let count = 0; count < 100; count++) {
    producer.claim(24);
    producer.abandon();
  }
  put(producer, 'a');
  producer.publish();

  const texts = takeAll(consumer);

  assert.deepStrictEqual([texts, producer.position], [['a'], 16]);
});

test('Ring: a record may be smaller than its claim', () => {
  const { producer, consumer } = ends(64);
  const offset = producer.claim(24);
  producer.bytes.write('ab', offset, 'latin1');
  producer.commit(TYPE, 2);
  put(producer, 'cd');
  producer.publish();

  const texts = takeAll(consumer);

  assert.deepStrictEqual([texts, producer.position], [['ab', 'cd'], 32]);
});

test('Ring: claim answers FULL until a release makes room', () => {
  const { producer, consumer } = ends(64);
  for (let count = 0; count < 4; count++) put(producer, `${count}`);

  const full = put(producer, 'x');
  const texts = takeAll(consumer);
  const stillFull = put(producer, 'x');
  const isRingNeeded = consumer.release();
  const hasRoom = put(producer, 'x');

  assert.deepStrictEqual(
    [full, texts, stillFull, isRingNeeded, hasRoom],
    [false, ['0', '1', '2', '3'], false, true, true],
  );
});

test('Ring: a release tells of a waiting producer only until a claim succeeds', () => {
  const { producer, consumer } = ends(64);
  for (let count = 0; count < 5; count++) put(producer, `${count}`);
  takeAll(consumer);
  const first = consumer.release();
  put(producer, 'x');
  producer.publish();
  takeAll(consumer);

  const second = consumer.release();
  const third = consumer.release();

  assert.deepStrictEqual([first, second, third], [true, false, false]);
});

test('Ring: a FULL claim shows what is committed, and publish still says to ring', () => {
  const { producer, consumer } = ends(64);
  for (let count = 0; count < 5; count++) put(producer, `${count}`);

  const isSeen = consumer.look();
  const answers = [producer.hasUnpublished, producer.publish(), producer.publish()];

  assert.deepStrictEqual([isSeen, answers], [true, [true, true, false]]);
});

test('Ring: a record that would pass the end begins at the start', () => {
  const { producer, consumer } = ends(64);
  put(producer, 'a'.repeat(24));
  put(producer, 'b'.repeat(8));
  producer.publish();
  takeAll(consumer);
  consumer.release();

  const offset = producer.claim(16);
  producer.bytes.write('c'.repeat(16), offset, 'latin1');
  producer.commit(TYPE, 16);
  producer.publish();
  const texts = takeAll(consumer);

  assert.deepStrictEqual([offset, texts, consumer.position], [8, ['c'.repeat(16)], 64 + 24]);
  assert.strictEqual(consumer.position, producer.position);
});

test('Ring: the longest payload finds room in an empty ring wherever the positions stand', () => {
  for (let position = 0; position < 128; position += 8) {
    const { producer, consumer } = ends(128, position);
    const text = 'x'.repeat(producer.lengthMax);

    const hasRoom = put(producer, text);
    producer.publish();

    assert.deepStrictEqual([hasRoom, takeAll(consumer)], [true, [text]], `position ${position}`);
  }
});

test('Ring: positions pass 2^32', () => {
  const { producer, consumer } = ends(64, 2 ** 32 - 16);
  const texts: string[] = [];
  for (let count = 0; count < 6; count++) {
    put(producer, `${count}`);
    producer.publish();
    texts.push(...takeAll(consumer));
    consumer.release();
  }

  assert.deepStrictEqual(texts, ['0', '1', '2', '3', '4', '5']);
  assert.deepStrictEqual([producer.position, consumer.position], [80, 80]);
});

test('Ring: new ends go on where the old ones have stopped', () => {
  const memory = ringMemoryAt(64, 0);
  const first = new RingWriter(memory);
  for (let count = 0; count < 5; count++) put(first, `${count}`);
  const consumer = new RingReader(memory);
  consumer.look();
  consumer.front();
  consumer.pop();
  consumer.release();

  const second = new RingWriter(memory);
  const hasRoom = put(second, 'x');
  second.publish();
  const texts = takeAll(new RingReader(memory));
  const isRingNeeded = consumer.release();

  assert.deepStrictEqual([hasRoom, texts], [true, ['1', '2', '3', 'x']]);
  assert.strictEqual(isRingNeeded, false);
});

test('Ring: misuse of a claim is a bug', () => {
  const { producer } = ends(64);

  assert.throws(() => producer.commit(TYPE, 0), /there is a claim to commit/);
  assert.throws(() => producer.abandon(), /there is a claim to abandon/);
  assert.throws(() => producer.claim(25), /a record is at most half of its ring/);
  producer.claim(8);
  assert.throws(() => producer.claim(8), /one claim is open at a time/);
  assert.throws(() => producer.commit(TYPE, 9), /a record fits its claim and has a type/);
  assert.throws(() => producer.commit(0, 8), /a record fits its claim and has a type/);
});

test('Ring: a producer that waits is told when an eighth of the ring is free beyond what it needs', () => {
  const { producer, consumer } = ends(256);
  for (let count = 0; count < 17; count++) put(producer, `${count}`);
  consumer.look();
  const answers: boolean[] = [];
  for (let count = 0; count < 4; count++) {
    consumer.front();
    consumer.pop();
    answers.push(consumer.release());
  }

  assert.deepStrictEqual(answers, [false, false, true, true]);
});
