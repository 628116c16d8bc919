import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { byFlags } from '../../../../src/companions/by-flags.ts';
import { runNsqTail } from '../../../../src/companions/tools/nsq-tail.ts';
import { OutputBatches } from '../../../../src/companions/tools/output-batches.ts';
import { RateLimit } from '../../../../src/companions/tools/rate-limit.ts';
import { RecordSplitter } from '../../../../src/companions/tools/record-splitter.ts';
import { runToNsq } from '../../../../src/companions/tools/to-nsq.ts';
import { companionOf, ORIGINALS } from '../../../../src/daemon/command-table.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { runWords } from '../../../support/operator.ts';

const NSQD = '--nsqd-tcp-address=127.0.0.1:4150';
const LOOKUPD = '--lookupd-http-address=127.0.0.1:4161';

for (const [name, run, words, code, reason] of [
  [
    'nsq_tail',
    runNsqTail,
    ['--topic=t'],
    1,
    '--nsqd-tcp-address or --lookupd-http-address required',
  ],
  [
    'nsq_tail',
    runNsqTail,
    [NSQD, LOOKUPD],
    1,
    'use --nsqd-tcp-address or --lookupd-http-address not both',
  ],
  ['nsq_tail', runNsqTail, [NSQD], 1, '--topic required'],
  ['nsq_tail', runNsqTail, ['-nothing'], 2, 'flag provided but not defined: -nothing'],
  ['to-nsq', runToNsq, [NSQD], 1, '--topic required'],
  ['to-nsq', runToNsq, ['--topic=t'], 1, '--nsqd-tcp-address required'],
  [
    'to-nsq',
    runToNsq,
    ['--topic=t', '--delimiter=ab', NSQD],
    1,
    '--delimiter must be a single byte',
  ],
  ['to-nsq', runToNsq, ['--topic=t', '--delimiter=', NSQD], 1, '--delimiter must be a single byte'],
  ['to-nsq', runToNsq, ['--topic=t', '--rate=x', NSQD], 2, 'invalid value "x" for flag -rate'],
  ['to-nsq', runToNsq, ['--topic=$', NSQD], 1, 'invalid topic name $'],
] as const) {
  test(`${name} ${words.join(' ')} ends with ${code}`, async () => {
    const outcome = await runWords(run, words);

    assert.equal(outcome.code, code);
    assert.ok(outcome.stderr.includes(reason), outcome.stderr);
    if (code === 1) assert.match(outcome.stderr, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /);
  });
}

test('the program knows the names of all originals that the table has', () => {
  const program = readFileSync('scripts/ringmq.cjs', 'utf8');
  const [, list = ''] = /const ORIGINALS = \[([^\]]*)\]/.exec(program) ?? [];

  const names = [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name);

  assert.deepEqual(names.sort(), Object.keys(ORIGINALS).sort());
});

test('a command is found under its own name and under that of its original', () => {
  const names = ['to-file', 'nsq_to_file', 'nsqlookupd', 'nsq_tail', 'nsqd', 'toString', ''];

  assert.deepEqual(names.map(companionOf), [
    'to-file',
    'to-file',
    'lookupd',
    'nsq_tail',
    undefined,
    undefined,
    undefined,
  ]);
});

for (const [words, expected] of [
  [['orders', '--limit=1'], 'operator'],
  [['--http-address=h:1', '--json'], 'operator'],
  [['--help'], 'operator'],
  [['--topic=orders', NSQD], 'tool'],
  [['-topic', 'orders'], 'tool'],
  [['-n=1', LOOKUPD], 'tool'],
  [['--nsqd-http-address=h:1'], 'tool'],
  [['--version'], 'tool'],
] as const) {
  test(`tail ${words.join(' ')} is the ${expected}'s`, async () => {
    const said =
      (text: string) => async () => async (_: unknown, around: { stdout(text: string): void }) => {
        around.stdout(text);
        return 0;
      };

    const outcome = await runWords(byFlags(said('operator'), said('tool')), words);

    assert.equal(outcome.stdout, expected);
  });
}

test('RecordSplitter: records are the same wherever the input is cut', () => {
  const input = Buffer.from(';;a;bc;;def;gh');

  for (let size = 1; size <= input.length; size++) {
    const splitter = new RecordSplitter(';'.charCodeAt(0), 3);
    const records: (Buffer | null)[] = [];
    for (let at = 0; at < input.length; at += size) {
      records.push(...splitter.split(input.subarray(at, at + size)));
    }
    records.push(splitter.end());

    assert.deepEqual(records.map(String), ['a', 'bc', 'def', 'gh']);
  }
});

test('RecordSplitter: a record that is too long is an error, ended or not', () => {
  const tooLong = /a record has more than 3 bytes/;

  assert.throws(() => new RecordSplitter(10, 3).split(Buffer.from('abcd')), tooLong);
  assert.throws(() => new RecordSplitter(10, 3).split(Buffer.from('abcd\n')), tooLong);
  assert.deepEqual(new RecordSplitter(10, 3).split(Buffer.from('abc\nab')), [Buffer.from('abc')]);
});

test('RateLimit: lets one pass, then as many as time allows, those of a second at most', async () => {
  const clock = new ManualClock();
  const limit = new RateLimit(10, clock);

  const first = await limit.take(5);
  const waiting = limit.take(5);
  clock.advance(100);
  const second = await waiting;
  clock.advance(60_000);
  const third = await limit.take(50);

  assert.deepEqual([first, second, third], [1, 1, 10]);
  assert.equal(await new RateLimit(0, clock).take(7), 7);
});

test('OutputBatches: what is added during a write is written together after it', async () => {
  const written: string[] = [];
  const writes: (() => void)[] = [];
  const output = new OutputBatches((bytes) => {
    written.push(Buffer.from(bytes).toString());
    return new Promise((resolve) => writes.push(resolve));
  });
  const order: string[] = [];
  const add = (text: string): Promise<unknown> =>
    output.add((pieces) => pieces.push(Buffer.from(text))).then(() => order.push(text));

  const first = add('a');
  await new Promise((resolve) => setImmediate(resolve));
  const others = [add('b'), add('c')];
  writes[0]();
  await first;
  writes[1]();
  await Promise.all(others);

  assert.deepEqual(written, ['a', 'bc']);
  assert.deepEqual(order, ['a', 'b', 'c']);
});
