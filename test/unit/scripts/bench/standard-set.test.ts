import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allUsage,
  readAll,
  STANDARD_SET,
  SUBCOMMANDS,
} from '../../../../scripts/bench/all-command.ts';
import { ArgumentError } from '../../../../scripts/bench/options.ts';
import { specsOf, splitWords } from '../../../../scripts/bench/servers.ts';

function read(...words: string[]): ReturnType<(typeof SUBCOMMANDS)[number]['read']> {
  const [name, ...rest] = words;
  const found = SUBCOMMANDS.find((subcommand) => subcommand.name === name);
  assert.ok(found !== undefined);
  return found.read(rest);
}

test('all: every load of the set is one that its sub-command understands', () => {
  const { plans } = readAll(['--messages', '2M']);

  assert.deepStrictEqual(
    plans.map(({ name }) => name),
    STANDARD_SET.map(({ name }) => name),
  );
  assert.equal(new Set(plans.map(({ name }) => name)).size, plans.length);
});

test('all: counts are scaled, times are not', () => {
  const { plans } = readAll([
    '--messages',
    '200k',
    '--only',
    '^(MPUB 200|deferred|latency at 1000 )',
  ]);

  assert.deepStrictEqual(
    plans.map(({ load, runs }) => [load.name, ...load.words, runs]),
    [
      ['pub', '--messages', '200000', 3],
      ['latency', '--rate', '1000', 1],
      ['deferred', '--messages', '100000', 1],
    ],
  );
});

test('all: a pattern that matches nothing is refused with what there is', () => {
  assert.throws(
    () => readAll(['--only', 'nothing']),
    (error) => {
      assert.ok(error instanceof ArgumentError);
      assert.match(error.message, /matches none of\n {2}MPUB 200/);
      return true;
    },
  );
});

test('bench: every help names the options, and its examples are understood', () => {
  for (const subcommand of SUBCOMMANDS) {
    const text = subcommand.usage('ringmq bench');
    assert.match(text, /--server COMMAND/);
    const examples = [...text.matchAll(/^ {2}ringmq bench (.*)$/gm)].map(([, words]) => words);
    assert.notEqual(examples.length, 0);
    for (const example of examples) read(...splitWords(example));
  }
  assert.match(allUsage('ringmq bench'), /--report PREFIX/);
});

test('bench: values that contradict each other are refused', () => {
  const contradictions = [
    ['pub', '--deferred', '5'],
    ['sub', '--fin-batch', '11', '--rdy', '10'],
    ['http', '--binary'],
    ['http', '--new-connections', '--in-flight', '2'],
    ['idle', '--seconds', '5', '--heartbeat', '5000'],
    ['pub', '--server', 'nsqd', '--address', 'localhost:4150'],
    ['pub', '--against', 'localhost:4150', '--against-server', 'nsqd'],
    ['pub', '--http-address', 'localhost:4151'],
  ];
  for (const words of contradictions) assert.throws(() => read(...words), ArgumentError);
});

test('bench: the words of a load are its own, without those of its servers', () => {
  const { words } = read('pub', '--runs=5', '--json', '--batch=1', '--mem-queue-size=7', '--tls');

  assert.deepStrictEqual(words, ['--batch', '1', '--tls', '--mem-queue-size', '7']);
});

test('bench: a sink gets the size of a command, and there is none for what it does not speak', () => {
  assert.deepStrictEqual(read('pub', '--batch', '1', '--size', '10').sink('test'), {
    protocol: 'tcp',
    commandBytes: 'PUB test\n'.length + 4 + 10,
  });
  assert.equal(typeof read('pub', '--tls').sink('test'), 'string');
  assert.equal(typeof read('sub').sink('test'), 'string');
});

test('bench: servers come from a command, or run at an address with HTTP beside', () => {
  const started = read('pub', '--server', "nsqd '-a b'", '--server-flags=--c=d').common;
  const running = read('pub', '--address', 'a:1', '--against', 'b:2').common;

  assert.deepStrictEqual(specsOf(started, true), [
    { role: 'server', kind: 'start', words: ['nsqd', '-a b', '--c=d'] },
    { role: 'null sink', kind: 'sink' },
  ]);
  assert.deepStrictEqual(specsOf(running, false), [
    {
      role: 'server',
      kind: 'running',
      address: { host: 'a', port: 1 },
      httpAddress: { host: 'a', port: 2 },
    },
    {
      role: 'against',
      kind: 'running',
      address: { host: 'b', port: 2 },
      httpAddress: { host: 'b', port: 3 },
    },
  ]);
});
