import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Logger } from '../../../src/daemon/log.ts';
import { jsonLine } from '../../../src/daemon/log-json.ts';

const TIME_NS = 1_795_854_600_000_123_999n;

function fieldsOf(level: string, text: string): Record<string, string> {
  const { time, message, ...others } = JSON.parse(jsonLine(level, TIME_NS, text));
  assert.equal(message, text);
  assert.equal(time, '2026-11-28T08:30:00.000123Z');
  return others;
}

test('jsonLine: names the subject of a text, and the reason', () => {
  const lines: [level: string, text: string, fields: Record<string, string>][] = [
    ['info', 'NSQ: bye', {}],
    ['info', 'TOPIC(orders): created', { topic: 'orders' }],
    [
      'info',
      'TOPIC(orders): new channel(c#ephemeral)',
      { topic: 'orders', channel: 'c#ephemeral' },
    ],
    ['info', 'TOPIC(orders): deleting channel c', { topic: 'orders', channel: 'c' }],
    [
      'error',
      'DISKQUEUE(orders:billing): failed to sync - EIO: i/o error, fsync',
      { topic: 'orders', channel: 'billing', error: 'EIO: i/o error, fsync' },
    ],
    ['warn', 'DISKQUEUE(orders): no metadata', { topic: 'orders' }],
    ['info', 'TCP: new client(10.0.0.1:5000)', { client: '10.0.0.1:5000' }],
    [
      'error',
      'client(10.0.0.1:5000) - E_INVALID invalid command X',
      { client: '10.0.0.1:5000', error: 'E_INVALID invalid command X' },
    ],
    ['info', 'a - b', {}],
    ['error', 'said "TOPIC(x): created"', {}],
  ];

  for (const [level, text, fields] of lines) {
    assert.deepStrictEqual(fieldsOf(level, text), { level, ...fields }, text);
  }
});

test('jsonLine: is one line of plain characters, whatever a client has sent', () => {
  const text = 'client(x) - a\nb\u2028c\u202ed\u0007e\u009b"\\é';
  const line = jsonLine('error', TIME_NS, text);

  assert.match(line, /^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*\n$/u);
  assert.equal(JSON.parse(line).message, text);
});

test('Logger: writes JSON without the prefix when asked', () => {
  const lines: string[] = [];
  const sink = {
    write: (one: string) => void lines.push(one),
    writeSync: (one: string) => void lines.push(one),
  };
  const clock = { unixNs: () => TIME_NS };
  const logger = new Logger({ prefix: '[nsqd] ', format: 'json', level: 'info', sink, clock });
  logger.debug('no');
  logger.info('yes');
  logger.fatal('the end');

  assert.deepStrictEqual(
    lines.map((one) => JSON.parse(one).message),
    ['yes', 'the end'],
  );
});
