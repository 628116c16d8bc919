import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { byFlags } from '../../../../src/companions/by-flags.ts';
import { queryEscape } from '../../../../src/companions/query-escape.ts';
import { Destinations } from '../../../../src/companions/tools/destinations.ts';
import { JsonFilter } from '../../../../src/companions/tools/json-filter.ts';
import { runMirror } from '../../../../src/companions/tools/mirror.ts';
import { runNsqStat } from '../../../../src/companions/tools/nsq-stat.ts';
import { runNsqTail } from '../../../../src/companions/tools/nsq-tail.ts';
import { runNsqToNsq } from '../../../../src/companions/tools/nsq-to-nsq.ts';
import { OutputBatches } from '../../../../src/companions/tools/output-batches.ts';
import { RateLimit } from '../../../../src/companions/tools/rate-limit.ts';
import { RecordSplitter } from '../../../../src/companions/tools/record-splitter.ts';
import { Timings } from '../../../../src/companions/tools/timings.ts';
import { runToFile } from '../../../../src/companions/tools/to-file.ts';
import { runToHttp } from '../../../../src/companions/tools/to-http.ts';
import { runToNsq } from '../../../../src/companions/tools/to-nsq.ts';
import { companionOf, ORIGINALS } from '../../../../src/daemon/command-table.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { runWords } from '../../../support/operator.ts';

const NSQD = '--nsqd-tcp-address=127.0.0.1:4150';
const LOOKUPD = '--lookupd-http-address=127.0.0.1:4161';
const POST = '--post=http://127.0.0.1:1/';
const TARGET = '--destination-nsqd-tcp-address=127.0.0.1:1';
const MIRRORED = '--nsqd-http-address=127.0.0.1:1';
const MIRROR = '--destination-nsqd-http-address=127.0.0.1:2';
const STAT = ['--topic=t', '--channel=c'];

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
  [
    'nsq_tail',
    runNsqTail,
    ['--consumer-opt=nothing,1'],
    2,
    'invalid value "nothing,1" for flag -consumer-opt: invalid option nothing',
  ],
  [
    'nsq_tail',
    runNsqTail,
    ['--consumer-opt=max-attempts,x'],
    2,
    'invalid value "max-attempts,x" for flag -consumer-opt: it is not a number',
  ],
  ['to-nsq', runToNsq, ['--producer-opt=nothing'], 2, 'flag -producer-opt: invalid option nothing'],
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
  [
    'nsq_stat',
    runNsqStat,
    ['--topic=t', '--nsqd-http-address=h:1'],
    1,
    '--topic and --channel are required',
  ],
  ['nsq_stat', runNsqStat, STAT, 1, '--nsqd-http-address or --lookupd-http-address required'],
  [
    'nsq_stat',
    runNsqStat,
    [...STAT, '--nsqd-http-address=h', LOOKUPD],
    1,
    'use --nsqd-http-address or --lookupd-http-address not both',
  ],
  [
    'nsq_stat',
    runNsqStat,
    [...STAT, '--nsqd-http-address=http://h'],
    1,
    '--nsqd-http-address error - address should not contain scheme',
  ],
  ['nsq_stat', runNsqStat, [...STAT, '--interval=0s'], 1, '--interval should be positive'],
  ['nsq_stat', runNsqStat, [...STAT, '--count=0'], 1, '--count should be positive'],
  ['to-http', runToHttp, [NSQD, POST], 1, '--topic and --channel are required'],
  ['to-http', runToHttp, ['--topic=t', NSQD], 1, '--get or --post required'],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, POST, '--get=http://h/%s'],
    1,
    'use --get or --post not both',
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, '--get=http://h/'],
    1,
    'invalid GET address - must be a printf string',
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, POST, '--header=a'],
    1,
    "--header value format should be 'Name: value'",
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, POST, '--header=a:'],
    1,
    "--header value format should be 'Name: value'",
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, POST, '--content-type='],
    1,
    '--content-type requires a value when used',
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, '--content-type=a/b'],
    1,
    '--content-type only used with --post',
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, POST, '--sample=1.1'],
    1,
    'ERROR: --sample must be between 0.0 and 1.0',
  ],
  ['to-http', runToHttp, ['--sample=x'], 2, 'invalid value "x" for flag -sample'],
  ['nsq-to-nsq', runNsqToNsq, [NSQD], 1, '--topic and --channel are required'],
  ['nsq-to-nsq', runNsqToNsq, ['--topic=$', NSQD], 1, '--topic is invalid'],
  [
    'nsq-to-nsq',
    runNsqToNsq,
    ['--topic=t', '--destination-topic=$', NSQD],
    1,
    '--destination-topic is invalid',
  ],
  ['nsq-to-nsq', runNsqToNsq, ['--topic=t', '--channel=$', NSQD], 1, '--channel is invalid'],
  ['nsq-to-nsq', runNsqToNsq, ['--topic=t', NSQD], 1, '--destination-nsqd-tcp-address required'],
  [
    'nsq-to-nsq',
    runNsqToNsq,
    ['--topic=t', NSQD, TARGET, '--require-json-value=x'],
    1,
    '--require-json-value needs --require-json-field',
  ],
  [
    'nsq-to-nsq',
    runNsqToNsq,
    ['--topic=t', NSQD, TARGET, '--whitelist-json-field='],
    1,
    '--whitelist-json-field names no field',
  ],
  [
    'nsq-to-nsq',
    runNsqToNsq,
    ['--topic=t', NSQD, '--destination-nsqd-tcp-address=localhost'],
    1,
    '127.0.0.1:4150 is source and destination of t, so its messages would go round in circles',
  ],
  [
    'nsq-to-nsq',
    runNsqToNsq,
    [
      '--topic=a',
      '--topic=t',
      NSQD,
      '--destination-nsqd-tcp-address=127.0.0.1:4150',
      '--destination-topic=t',
    ],
    1,
    '127.0.0.1:4150 is source and destination of t,',
  ],
  ['mirror', runMirror, [MIRRORED], 1, '--destination-nsqd-http-address required'],
  ['mirror', runMirror, [MIRRORED, MIRROR, '--topic=$'], 1, 'invalid topic name $'],
  [
    'mirror',
    runMirror,
    [MIRRORED, MIRROR, '--topic=t#ephemeral'],
    1,
    'an ephemeral topic is not copied',
  ],
  ['mirror', runMirror, [MIRRORED, MIRROR, '--move=$'], 1, '--move: invalid channel name $'],
  [
    'mirror',
    runMirror,
    ['--nsqd-http-address=http://', MIRROR],
    1,
    '--nsqd-http-address "http://" is neither HOST:PORT nor a URL',
  ],
  [
    'to-http',
    runToHttp,
    ['--topic=t', NSQD, '--post=h:1'],
    1,
    'invalid HTTP address h:1: write for',
  ],
] as const) {
  test(`${name} ${words.join(' ')} ends with ${code}`, async () => {
    const outcome = await runWords(run, words);

    assert.equal(outcome.code, code);
    assert.ok(outcome.stderr.includes(reason), outcome.stderr);
    if (code === 1) assert.match(outcome.stderr, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /);
  });
}

/** Flags of nsq 1.3.0's tools with their defaults, as their help shows them; null where it shows none. */
const FLAGS: Record<string, Record<string, string | null>> = JSON.parse(
  readFileSync('test/fixtures/tool-flags.json', 'utf8'),
);

for (const [original, run] of [
  ['nsq_tail', runNsqTail],
  ['nsq_stat', runNsqStat],
  ['nsq_to_file', runToFile],
  ['nsq_to_http', runToHttp],
  ['nsq_to_nsq', runNsqToNsq],
  ['to_nsq', runToNsq],
] as const) {
  test(`${original}: all its flags are there, with its defaults`, async () => {
    const { stdout } = await runWords(run, ['--help']);

    const found: Record<string, string | null> = {};
    for (const [flag, value] of Object.entries(FLAGS[original])) {
      const row = stdout.match(new RegExp(`^ {2}-${flag}( .*)?\\n(( {8}.*\\n)+)`, 'm'));
      assert.ok(row, flag);
      const shown = /\(default "?(.*?)"?\)\s*$/.exec(row[2])?.[1] ?? null;
      found[flag] = value === null && isNothing(shown) ? null : shown;
    }
    // It cannot be printed.
    if (original === 'to_nsq') found['delimiter'] ??= '\\n';
    assert.deepEqual(found, FLAGS[original]);
  });
}

/** Whether Go would show no such default. */
function isNothing(value: string | null): boolean {
  return value === null || value === '0' || value === '0s';
}

test('in a configuration file an option of go-nsq alone has a comma of its own', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-tools-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'tail.toml');
  const reasonOf = async (config: string): Promise<string> => {
    writeFileSync(file, config);
    const { stderr } = await runWords(runNsqTail, [NSQD, `--config=${file}`]);
    return stderr.slice(stderr.indexOf(' ', stderr.indexOf(' ') + 1) + 1);
  };

  assert.equal(await reasonOf('consumer_opt = "max_attempts,5"'), '--topic required\n');
  assert.equal(await reasonOf('consumer_opt = ["snappy", "max_attempts,5"]'), '--topic required\n');
  assert.match(await reasonOf('consumer_opt = "nothing,5"'), /: invalid option nothing\n$/);
});

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

test('Timings: a line for every so many messages, as the original prints it', () => {
  const lines: string[] = [];
  const timings = new Timings(100, '[aggregate]:', (line) => lines.push(line));

  for (let ms = 1; ms <= 100; ms++) timings.add(ms);
  assert.deepEqual(lines, []);
  timings.add(1);

  assert.deepEqual(lines, [
    '[aggregate]: finished 100 - 99th: 100.00ms - 95th: 97.00ms - avg: 50.50ms',
  ]);
});

test('Destinations: all of them get each message, in order, until one fails', async () => {
  const sent: string[] = [];
  const destinations = new Destinations({
    addresses: ['a', 'b', 'c'],
    mode: 'all',
    statusEvery: 0,
    clock: new ManualClock(),
    log: () => undefined,
    send: async (address, topic, body) => {
      sent.push(`${address} ${topic} ${body}`);
      if (`${body}` === 'bad' && address === 'b') throw new Error('refused');
    },
  });

  await destinations.send('t', Buffer.from('good'));
  const failed = destinations.send('t', Buffer.from('bad'));

  await assert.rejects(failed, /refused/);
  assert.deepEqual(sent, ['a t good', 'b t good', 'c t good', 'a t bad', 'b t bad']);
});

test('queryEscape works on bytes, as the original', () => {
  assert.equal(queryEscape(Buffer.from('a b-_.~/%?&=+é\n')), 'a+b-_.~%2F%25%3F%26%3D%2B%C3%A9%0A');
  assert.equal(queryEscape(Buffer.from([0, 255])), '%00%FF');
});

for (const [setup, body, expected] of [
  [{}, 'not json', 'not json'],
  [{ requiredField: 'a' }, '{"a":null}', '{"a":null}'],
  [{ requiredField: 'a' }, '{"b":1}', 'dropped'],
  [{ requiredField: 'a' }, 'null', 'dropped'],
  [{ requiredField: 'a' }, '[1]', 'no object'],
  [{ requiredField: 'a' }, '{', 'no object'],
  [{ requiredField: 'toString' }, '{}', 'dropped'],
  [{ requiredField: 'a', requiredValue: '1' }, '{"b":1}', 'no field'],
  [{ requiredField: 'a', requiredValue: '1' }, '{"a":1.0}', '{"a":1.0}'],
  [{ requiredField: 'a', requiredValue: '1' }, '{"a":"1"}', '{"a":"1"}'],
  [{ requiredField: 'a', requiredValue: '1.0' }, '{"a":"1"}', 'dropped'],
  [{ requiredField: 'a', requiredValue: '1.0' }, '{"a":1}', '{"a":1}'],
  [{ requiredField: 'a', requiredValue: 'true' }, '{"a":true}', 'dropped'],
  [{ requiredField: 'a', requiredValue: ' ' }, '{"a":0}', 'dropped'],
  [{ fields: ['b', 'a'] }, '{"c":1,"b":{"z":1,"y":2.50},"a":7}', '{"a":7,"b":{"y":2.5,"z":1}}'],
  [{ fields: ['a'] }, '{"a":"<&>"}', '{"a":"\\u003c\\u0026\\u003e"}'],
  [{ fields: ['x'] }, '{"a":1}', '{}'],
] as const) {
  test(`JsonFilter: ${JSON.stringify(setup)} makes ${body} ${expected}`, () => {
    const filter = new JsonFilter({ requiredField: '', requiredValue: '', fields: [], ...setup });

    assert.equal(String(filter.filter(Buffer.from(body))), expected);
  });
}
