import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ArgumentError,
  amount,
  choice,
  count,
  counts,
  describeOptions,
  optionalAddress,
  optionalCount,
  optionalPattern,
  optionalText,
  readOptions,
  share,
  toggle,
  wordsOf,
} from '../../../../scripts/bench/options.ts';

const TABLE = {
  messages: count(100, 1, 'messages'),
  inFlight: optionalCount(1, 'commands'),
  rate: amount(0, 0, 'rate'),
  requeueShare: share(0, 'share'),
  tls: toggle('over TLS'),
  compression: choice(['none', 'snappy'], 'compresses'),
  address: optionalAddress('where'),
  server: optionalText('COMMAND', 'starts it'),
  only: optionalPattern('which'),
  threads: counts([1, 2], 1, 'numbers'),
} as const;

function reasonFor(...words: string[]): string {
  try {
    readOptions(TABLE, words);
  } catch (error) {
    if (error instanceof ArgumentError) return error.message;
    throw error;
  }
  return 'understood';
}

test('readOptions: without words everything is as the table says', () => {
  assert.deepStrictEqual(readOptions(TABLE, []), {
    messages: 100,
    inFlight: null,
    rate: 0,
    requeueShare: 0,
    tls: false,
    compression: 'none',
    address: null,
    server: null,
    only: null,
    threads: [1, 2],
  });
});

test('readOptions: every kind is read', () => {
  const words = ['--messages', '2.3M', '--in-flight=8', '--rate', '1.5k', '--requeue-share', '0.1'];
  words.push('--tls', '--compression', 'snappy', '--address', '[::1]:4150');
  words.push('--server', 'nsqd -x', '--only', 'PUB|SUB');
  words.push('--threads', '4,1,4,2k');

  assert.deepStrictEqual(readOptions(TABLE, words), {
    messages: 2_300_000,
    inFlight: 8,
    rate: 1500,
    requeueShare: 0.1,
    tls: true,
    compression: 'snappy',
    address: { host: '::1', port: 4150 },
    server: 'nsqd -x',
    only: /PUB|SUB/i,
    threads: [4, 1, 2000],
  });
});

test('readOptions: what is not understood is said with what was meant', () => {
  const refusals = [
    reasonFor('--messages', '0'),
    reasonFor('--messages', '1.5'),
    reasonFor('--messages', '10x'),
    reasonFor('--messages', ''),
    reasonFor('--rate', 'fast'),
    reasonFor('--requeue-share', '1'),
    reasonFor('--compression', 'zip'),
    reasonFor('--address', 'localhost'),
    reasonFor('--server', ' '),
    reasonFor('--threads', '1,0'),
    reasonFor('--threads', '1;2'),
  ];

  assert.deepStrictEqual(refusals, [
    '--messages takes a whole number from 1, got "0"',
    '--messages takes a whole number from 1, got "1.5"',
    '--messages takes a whole number from 1, got "10x"',
    '--messages takes a whole number from 1, got ""',
    '--rate takes a number from 0, got "fast"',
    '--requeue-share takes a number from 0 to less than 1, got "1"',
    '--compression takes one of none, snappy, got "zip"',
    '--address takes host:port, got "localhost"',
    '--server takes COMMAND, got ""',
    '--threads takes whole numbers from 1 with commas between, got "1,0"',
    '--threads takes whole numbers from 1 with commas between, got "1;2"',
  ]);
});

test('readOptions: unknown flags, stray words and bad expressions are refused', () => {
  assert.match(reasonFor('--no-such-flag'), /--no-such-flag/);
  assert.match(reasonFor('stray'), /stray/);
  assert.match(reasonFor('--messages'), /--messages/);
  assert.match(reasonFor('--only', '('), /^--only: Invalid regular expression/);
});

test('wordsOf: words of some options, in the order of the names', () => {
  const words = ['--tls', '--server', 'nsqd', '--messages=5'];

  assert.deepStrictEqual(wordsOf(['messages', 'tls'], TABLE, words), ['--messages', '5', '--tls']);
});

test('describeOptions: a line for each, with what is taken by default', () => {
  const text = describeOptions({ inFlight: count(2, 1, 'commands'), tls: toggle('over TLS') });

  assert.equal(
    text,
    [
      '  --in-flight N              commands (default 2)',
      '  --tls                      over TLS',
    ].join('\n'),
  );
});

test('an address is a host, an IPv6 one in brackets, and a port', () => {
  const addresses = ['localhost:4150', '10.0.0.1:1', '[::1]:65535'];

  const values = addresses.map((text) => readOptions(TABLE, ['--address', text]).address);

  assert.deepStrictEqual(values, [
    { host: 'localhost', port: 4150 },
    { host: '10.0.0.1', port: 1 },
    { host: '::1', port: 65_535 },
  ]);
});

test('anything else is no address', () => {
  const texts = ['', 'localhost', ':4150', 'localhost:0', 'localhost:65536', '::1:4150', 'a:b'];

  assert.deepStrictEqual(
    texts.map((text) => reasonFor('--address', text)),
    texts.map((text) => `--address takes host:port, got "${text}"`),
  );
});
