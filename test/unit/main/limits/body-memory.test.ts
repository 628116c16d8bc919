import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BodyGatherer, BodyMemory } from '../../../../src/main/limits/body-memory.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

const KIB = 1024;
const BOUND = 1000 * KIB;

class Sender implements BodyGatherer {
  readonly name: string;
  isReading = true;
  isGivenUp = false;
  /** Whether it is the broker that keeps it from going on. */
  isWaitingForBroker = false;

  constructor(name: string) {
    this.name = name;
  }

  holdBack(): void {
    this.isReading = false;
  }

  goOn(): void {
    this.isReading = true;
  }

  giveUp(): boolean {
    if (this.isWaitingForBroker) return false;
    this.isGivenUp = true;
    return true;
  }

  toString(): string {
    return this.name;
  }
}

function setUp(count: number): {
  clock: ManualClock;
  memory: BodyMemory;
  senders: Sender[];
  log: string[];
} {
  const clock = new ManualClock();
  const log: string[] = [];
  const memory = new BodyMemory(BOUND, clock, { warn: (text) => void log.push(text) });
  const senders = Array.from({ length: count }, (_, index) => new Sender(`sender ${index}`));
  return { clock, memory, senders, log };
}

function reading(senders: readonly Sender[]): string {
  return senders.map(({ isReading }) => (isReading ? 'r' : '-')).join('');
}

test('BodyMemory: within the bound nobody is held back', () => {
  const { memory, senders, clock } = setUp(3);

  for (const sender of senders) memory.note(sender, 300 * KIB);

  assert.deepStrictEqual([reading(senders), memory.totalBytes], ['rrr', 900 * KIB]);
  assert.equal(clock.timerCount, 0);
});

test('BodyMemory: beyond it only the one with most goes on', () => {
  const { memory, senders, log } = setUp(3);

  memory.note(senders[0], 300 * KIB);
  memory.note(senders[1], 500 * KIB);
  memory.note(senders[2], 300 * KIB);

  assert.equal(reading(senders), '-r-');
  assert.deepStrictEqual(
    senders.map((sender) => memory.isHeldBack(sender)),
    [true, false, true],
  );
  assert.deepStrictEqual(log, [
    '3 clients send large bodies, and take turns: 1126400 bytes have come',
  ]);
});

test("BodyMemory: when it is done it is the next one's turn, and all go on when there is enough", () => {
  const { memory, senders, clock } = setUp(4);
  for (const [index, kib] of [200, 500, 450, 300].entries()) memory.note(senders[index], kib * KIB);
  const turns = [reading(senders)];

  memory.note(senders[1], 0);
  turns.push(reading(senders));
  memory.note(senders[2], 0);
  turns.push(reading(senders));

  // The one that is done reads on: it holds nothing.
  assert.deepStrictEqual(turns, ['-r--', '-rr-', 'rrrr']);
  assert.deepStrictEqual([memory.totalBytes, clock.timerCount], [500 * KIB, 0]);
});

test('BodyMemory: one that sends body after body has a turn for each of them', () => {
  const { memory, senders } = setUp(3);
  for (const [index, kib] of [450, 500, 400].entries()) memory.note(senders[index], kib * KIB);
  memory.note(senders[1], 600 * KIB);
  const during = reading(senders);

  memory.note(senders[1], 100 * KIB);

  assert.deepStrictEqual([during, reading(senders)], ['-r-', 'r--']);
});

test('BodyMemory: one that comes later is held back as soon as its body is large', () => {
  const { memory, senders } = setUp(3);
  memory.note(senders[0], 600 * KIB);
  memory.note(senders[1], 500 * KIB);

  memory.note(senders[2], 60 * KIB);
  const small = reading(senders);
  memory.note(senders[2], 70 * KIB);

  assert.deepStrictEqual([small, reading(senders)], ['r-r', 'r--']);
});

test('BodyMemory: one that is held back and done all the same reads on', () => {
  const { memory, senders } = setUp(3);
  for (const [index, kib] of [800, 100, 700].entries()) memory.note(senders[index], kib * KIB);
  const before = reading(senders);

  memory.note(senders[1], 10);

  assert.deepStrictEqual([before, reading(senders)], ['r--', 'rr-']);
});

test('BodyMemory: one that takes too long is given up', () => {
  const { memory, senders, clock, log } = setUp(3);
  for (const [index, kib] of [600, 500, 400].entries()) memory.note(senders[index], kib * KIB);
  clock.advance(9999);
  memory.note(senders[0], 601 * KIB);
  const before = senders[0].isGivenUp;

  clock.advance(1);

  assert.deepStrictEqual(
    [before, senders[0].isGivenUp, reading(senders.slice(1))],
    [false, true, 'r-'],
  );
  assert.equal(log.at(-1), 'gave up sender 0: others wait, and its body takes too long');
  assert.equal(memory.totalBytes, 900 * KIB);
});

test('BodyMemory: one that waits for the broker has another turn', () => {
  const { memory, senders, clock } = setUp(2);
  for (const sender of senders) memory.note(sender, 600 * KIB);
  senders[0].isWaitingForBroker = true;

  clock.advance(25_000);

  assert.deepStrictEqual([senders[0].isGivenUp, reading(senders)], [false, 'r-']);
  assert.equal(clock.timerCount, 1);
});

test('BodyMemory: a turn ends with the shortage', () => {
  const { memory, senders, clock } = setUp(2);
  for (const sender of senders) memory.note(sender, 600 * KIB);
  memory.note(senders[0], 0);

  clock.advance(60_000);

  assert.deepStrictEqual(
    senders.map(({ isGivenUp }) => isGivenUp),
    [false, false],
  );
});

test('BodyMemory: whatever comes, somebody goes on, and the bound holds', () => {
  const BODY = 400 * KIB;
  const CHUNK = 50 * KIB;
  const COUNT = 20;
  const seed = freshSeed();
  const random = seededRandom(seed);
  const { memory, senders } = setUp(COUNT);
  const held = new Map(senders.map((sender) => [sender, 0]));
  let mostBytes = 0;
  let doneCount = 0;

  for (let step = 0; step < 20_000; step++) {
    const able = senders.filter(({ isReading }) => isReading);
    assert.ok(able.length > 0, `seed ${seed}, step ${step}: everybody is held back`);
    const sender = able[random(able.length)];
    const bytes = (held.get(sender) ?? 0) + random(CHUNK);
    if (bytes >= BODY) doneCount++;
    held.set(sender, bytes % BODY);
    memory.note(sender, bytes % BODY);
    mostBytes = Math.max(mostBytes, memory.totalBytes);
  }

  assert.ok(mostBytes <= BOUND + BODY + COUNT * (CHUNK + 64 * KIB), `seed ${seed}: ${mostBytes}`);
  assert.ok(doneCount > 200, `seed ${seed}: ${doneCount} bodies`);
});
