import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError } from '../../../../scripts/bench/options.ts';
import { COMMANDS } from '../../../../scripts/bench/program.ts';
import { splitWords } from '../../../../scripts/bench/servers.ts';

type Plan = ReturnType<(typeof COMMANDS)[number]['read']>;

function read(...words: string[]): Plan {
  const [name, ...rest] = words;
  const found = COMMANDS.find((command) => command.name === name);
  assert.ok(found !== undefined, `"${name}" is a sub-command`);
  return found.read(rest);
}

test('bench: every help has a line of usage, and examples that are understood', () => {
  for (const { name, usage } of COMMANDS) {
    const text = usage('ringmq bench');
    const examples = [...text.matchAll(/^ {2}ringmq bench (.*)$/gm)].map(([, words]) => words);
    assert.match(text, /^usage: ringmq bench /);
    assert.notEqual(examples.length, 0);
    assert.deepEqual(
      text.split('\n').filter((line) => line.length > 100),
      [],
    );
    for (const example of examples) {
      read(...splitWords(example.startsWith('--') ? `${name} ${example}` : example));
    }
  }
});

test('threads: each load with each pair of numbers, one series for each load', () => {
  const { plans, specs } = read(
    'threads',
    '--pump-threads',
    '1,4',
    '--disk-threads=1,2',
    '--server=nsqd -x',
    '--server-flags=--y',
  );

  assert.deepStrictEqual(
    plans.map(({ series }) => [series?.title, series?.column]),
    ['publish', 'consume'].flatMap((load) => [
      [load, '1 pump, 1 disk'],
      [load, '4 pump, 1 disk'],
      [load, '1 pump, 2 disk'],
      [load, '4 pump, 2 disk'],
    ]),
  );
  assert.deepStrictEqual(specs, [{ role: 'server', kind: 'start', words: ['nsqd', '-x', '--y'] }]);
});

test('brokers: an entry for each number, side by side', () => {
  const { plans } = read('brokers', '--brokers', '1,3,3');

  assert.deepStrictEqual(
    plans.map(({ series }) => series?.column),
    ['1 broker', '3 brokers'],
  );
});

test('bench: what makes no sense for threads and brokers is refused', () => {
  const mistakes = [
    ['threads', '--pump-threads', '16'],
    ['threads', '--disk-threads', '0'],
    ['threads', '--disk-threads', '1,'],
    ['threads', '--address', '127.0.0.1:4150'],
    ['brokers', '--brokers', '1025'],
    ['brokers', '--lookupd-http-address', '127.0.0.1:4161'],
    ['brokers', '--against', '127.0.0.1:4150'],
  ];
  for (const words of mistakes) assert.throws(() => read(...words), ArgumentError);
});
