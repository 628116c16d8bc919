import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_ERROR, LOG_WARNING } from '../../../../src/workers/disk/files/disk-log.ts';
import { PumpLink, recordsRoom } from '../../../../src/workers/disk/pump-link.ts';
import { APPENDED, OPENED, RECORDS, REREAD_DONE } from '../../../../src/workers/disk-records.ts';
import { diskRecord } from '../../../support/disk-files.ts';
import { PumpSide } from '../../../support/pump-side.ts';

const FIGURES = { unread: 3, unreadBytes: 300, deferred: 1 };
const RECORD_BYTES = diskRecord(1, 'body').length;

function makeLink(replyBytes = 64 * 1024): { pump: PumpSide; link: PumpLink } {
  const pump = new PumpSide(64 * 1024, replyBytes);
  return { pump, link: new PumpLink(pump.link) };
}

/** Puts records into the claimed answer. */
function placeRecords(link: PumpLink, ...numbers: readonly number[]): number {
  const bytes = Buffer.concat(numbers.map((number) => diskRecord(number, 'body')));
  link.answers.bytes.set(bytes, link.recordsOffset);
  return bytes.length;
}

test('PumpLink: an answer has the figures of its queue, beyond 32 bits, or why not', () => {
  const { pump, link } = makeLink();
  const figures = { unread: 2 ** 40 + 1, unreadBytes: 2 ** 45 + 2, deferred: 2 ** 33 };

  link.claimAnswer();
  link.answer(OPENED, 7, figures, undefined);
  link.claimAnswer();
  link.answer(APPENDED, 8, undefined, 'no space');
  link.flush();

  const answers = pump.take().map((answer) => {
    const { type, queue, isOk, unread, unreadBytes, deferred, text } = answer;
    return [type, queue, isOk, unread, unreadBytes, deferred, text];
  });
  assert.deepStrictEqual(answers, [
    ['OPENED', 7, true, 2 ** 40 + 1, 2 ** 45 + 2, 0xffffffff, ''],
    ['APPENDED', 8, false, 0, 0, 0, 'no space'],
  ]);
});

test('PumpLink: due times stand behind records of any length', () => {
  for (const body of ['', 'a', 'ab', 'abc']) {
    const { pump, link } = makeLink();
    const bytes = diskRecord(5, body);
    link.claimRecords(bytes.length, 4096, true);
    link.answers.bytes.set(bytes, link.recordsOffset);

    link.answerRecords(1, FIGURES, {
      count: 1,
      bytes: bytes.length,
      first: 9,
      dueTimes: [2 ** 40],
    });
    link.flush();

    const [answer] = pump.take();
    assert.deepStrictEqual([answer.numbers, answer.first, answer.dueTimes], [[5], 9, [2 ** 40]]);
  }
});

test('PumpLink: records that are read again have their numbers', () => {
  const { pump, link } = makeLink();
  link.claimRecords(2 * RECORD_BYTES, 4096, true);
  const bytes = placeRecords(link, 5, 6);

  link.answerReread(1, FIGURES, { bytes, covered: 3, numbers: [2 ** 32 - 1, 0] });
  link.flush();

  const [answer] = pump.take();
  assert.deepStrictEqual(
    [answer.type, answer.numbers, answer.reread, answer.covered, answer.unread],
    ['REREAD_DONE', [5, 6], [2 ** 32 - 1, 0], 3, 3],
  );
});

test('PumpLink: room that was reserved is not an answer until it is completed', () => {
  const { pump, link } = makeLink();
  link.claimRecords(RECORD_BYTES, 4096, false);
  placeRecords(link, 5);
  const isClaimed = link.hasAnswerClaimed;

  link.abandonAnswer();
  link.flush();

  assert.deepStrictEqual([isClaimed, link.hasAnswerClaimed, pump.take()], [true, false, []]);
});

test('PumpLink: an answer without records has none, and says why', () => {
  const { pump, link } = makeLink();
  for (const [type, error] of [
    [RECORDS, undefined],
    [REREAD_DONE, 'not read'],
  ] as const) {
    link.claimRecords(RECORD_BYTES, 4096, true);
    link.answerNoRecords(type, 1, FIGURES, error);
  }
  link.flush();

  assert.deepStrictEqual(
    pump.take().map(({ type, isOk, numbers, text }) => [type, isOk, numbers, text]),
    [
      ['RECORDS', true, [], ''],
      ['REREAD_DONE', false, [], 'not read'],
    ],
  );
});

test('PumpLink: as many records as an answer has room for have their due times in it', () => {
  const { pump, link } = makeLink(8 * 1024);
  const empty = diskRecord(1, '');
  const bytesMax = link.recordsBytesMax(true);
  const count = bytesMax / empty.length;

  assert.ok(link.claimRecords(bytesMax, bytesMax, true));
  const records = Buffer.concat(Array.from({ length: count }, () => empty));
  link.answers.bytes.set(records, link.recordsOffset);
  const dueTimes = Array.from({ length: count }, (_, index) => index + 1);
  link.answerRecords(1, FIGURES, { count, bytes: records.length, first: 0, dueTimes });
  link.flush();

  assert.ok(count > 50 && link.recordsBytesMax(false) > bytesMax);
  assert.deepStrictEqual(pump.take()[0].dueTimes, dueTimes);
});

test('PumpLink: recordsRoom is enough for a record of any size with its due time', () => {
  const record = diskRecord(1, 'x'.repeat(3000));
  const { pump, link } = makeLink(8 * 1024);
  const room = recordsRoom(record.length);

  assert.ok(room >= record.length + 8 + 3);
  assert.ok(link.claimRecords(record.length, 100, true));
  link.answers.bytes.set(record, link.recordsOffset);
  link.answerRecords(1, FIGURES, { count: 1, bytes: record.length, first: 0, dueTimes: [4] });
  link.flush();
  assert.deepStrictEqual(pump.take()[0].dueTimes, [4]);
});

test('PumpLink: while the ring is full nothing can be reserved, and log lines wait', () => {
  const { pump, link } = makeLink(8 * 1024);
  let answers = 0;
  while (link.claimAnswer()) {
    link.answer(OPENED, 1, FIGURES, 'x'.repeat(1000));
    answers++;
  }
  const line = 'l'.repeat(1000);
  link.log(LOG_WARNING, line);
  link.flush();
  const before = pump.take();
  const logged = [...pump.log];
  link.flush();
  pump.take();

  assert.deepStrictEqual(
    [before.length, logged, pump.log],
    [answers, [], [`${LOG_WARNING} ${line}`]],
  );
});

test('PumpLink: of too many log lines the oldest are dropped, and it says how many', () => {
  const { pump, link } = makeLink();
  for (let number = 0; number < 70; number++) link.log(LOG_ERROR, `line ${number}`);

  link.flush();
  pump.take();

  assert.equal(pump.log.length, 65);
  assert.deepStrictEqual(
    [pump.log[0], pump.log[1], pump.log[64]],
    [
      `${LOG_WARNING} 6 log lines of the disk thread were dropped`,
      `${LOG_ERROR} line 6`,
      `${LOG_ERROR} line 69`,
    ],
  );
});

test('PumpLink: a long text is cut off', () => {
  const { pump, link } = makeLink();
  link.claimAnswer();
  link.answer(OPENED, 1, undefined, 'e'.repeat(5000));
  link.log(LOG_ERROR, 'l'.repeat(5000));
  link.flush();

  assert.equal(pump.take()[0].text, 'e'.repeat(1024));
  assert.equal(pump.log[0], `${LOG_ERROR} ${'l'.repeat(1024)}`);
});

test('PumpLink: durable writes are told by their number, or why they are not', () => {
  const { pump, link } = makeLink();
  link.claimAnswer();
  link.answerCommitted(2, undefined);
  link.claimAnswer();
  link.answerCommitted(1, 'no sync');
  link.flush();
  pump.take();

  assert.deepStrictEqual(pump.commits, ['2 ok', '1 no sync']);
});

test('PumpLink: rings for what there is to read, and not without', () => {
  const { pump, link } = makeLink();
  link.flush();
  const idle = pump.rings;
  link.claimAnswer();
  link.answer(OPENED, 1, FIGURES, undefined);

  link.flush();

  assert.deepStrictEqual([idle, pump.rings], [0, 1]);
});
