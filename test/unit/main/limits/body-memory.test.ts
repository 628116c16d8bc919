import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyMemory, bodyBounds } from '../../../../src/main/limits/body-memory.ts';
import { BodySender } from '../../../support/body-sender.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

function setUp(): { clock: ManualClock; memory: BodyMemory; log: string[] } {
  const clock = new ManualClock();
  const log: string[] = [];
  const bounds = { memberBytes: 1000 * KIB, guestBytes: 500 * KIB };
  const memory = new BodyMemory(bounds, clock, { warn: (text) => void log.push(text) });
  return { clock, memory, log };
}

test('bodyBounds: guests have a quarter, but room for one of the largest bodies', () => {
  const shares = [40, 12, 10].map((mib) => bodyBounds(mib * MIB, 5 * MIB));

  assert.deepStrictEqual(shares, [
    { memberBytes: 30 * MIB, guestBytes: 10 * MIB },
    { memberBytes: 7 * MIB, guestBytes: 5 * MIB },
    { memberBytes: 5 * MIB, guestBytes: 5 * MIB },
  ]);
});

test('BodyMemory: small bodies are neither counted nor held back', () => {
  const { memory, clock } = setUp();
  const senders = Array.from({ length: 100 }, (_, index) => new BodySender(`${index}`));

  for (const sender of senders) memory.note(sender, 63 * KIB, 63 * KIB + 1, false);

  assert.ok(senders.every(({ isReading }) => isReading));
  assert.deepStrictEqual([memory.totalBytes, clock.timerCount], [0, 0]);
});

test('BodyMemory: guests never hold up clients that have said who they are', () => {
  const { memory } = setUp();
  const guests = [new BodySender('a', { isGuest: true }), new BodySender('b', { isGuest: true })];
  const member = new BodySender('c');

  for (const guest of guests) memory.note(guest, 64 * KIB, 400 * KIB, false);
  memory.note(member, 64 * KIB, 900 * KIB, false);

  assert.deepStrictEqual(
    [...guests, member].map((sender) => [sender.isReading, memory.isPaused(sender)]),
    [
      [true, false],
      [false, true],
      [true, false],
    ],
  );
  assert.equal(memory.totalBytes, 1300 * KIB);
});

test('BodyMemory: a body stays in the share that it has begun in', () => {
  const { memory } = setUp();
  const sender = new BodySender('a', { isGuest: true });
  memory.note(sender, 64 * KIB, 400 * KIB, false);

  sender.client.isGuest = false;
  memory.note(sender, 128 * KIB, 400 * KIB, false);
  const during = memory.totalBytes;
  memory.note(sender, 0, 0, false);

  assert.deepStrictEqual([during, memory.totalBytes], [400 * KIB, 0]);
});

test('BodyMemory: a shortage and who is given up are logged, once in a while', () => {
  const { memory, clock, log } = setUp();
  const senders = ['a', 'b', 'c'].map((name) => new BodySender(name));
  for (const sender of senders) memory.note(sender, 64 * KIB, 600 * KIB, false);

  clock.advance(600);

  assert.deepStrictEqual(log, [
    '1 client with a large body waits for memory: 614400 bytes are set aside for others',
    'disconnected a: others wait, and its body makes no progress',
  ]);
});
