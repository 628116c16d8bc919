import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  LOG_LEVELS,
  Logger,
  type LogLevel,
  logLevelNumber,
  parseLogLevel,
} from '../../../src/daemon/log.ts';

const NOON_NS = BigInt(Date.UTC(2026, 0, 2, 12, 3, 4)) * 1_000_000n;

test('Logger: writes time, level and text in the format of nsqd', (t) => {
  const { logger, lines } = makeLogger(t, { level: 'debug' });

  logger.debug('one');
  logger.info('two');
  logger.warn('three');
  logger.error('four');
  logger.fatal('five');

  assert.deepEqual(lines, [
    'soon: [nsqd] 2026/01/02 12:03:04.000000 DEBUG: one\n',
    'soon: [nsqd] 2026/01/02 12:03:04.000000 INFO: two\n',
    'soon: [nsqd] 2026/01/02 12:03:04.000000 WARNING: three\n',
    'soon: [nsqd] 2026/01/02 12:03:04.000000 ERROR: four\n',
    'now: [nsqd] 2026/01/02 12:03:04.000000 FATAL: five\n',
  ]);
});

for (const [pastNs, digits] of [
  [999n, '000000'],
  [1000n, '000001'],
  [7_000_000n, '007000'],
  [123_456_789n, '123456'],
  [999_999_999n, '999999'],
] as const) {
  test(`Logger: ${pastNs} ns past the second are .${digits}`, (t) => {
    const { logger, lines } = makeLogger(t, { unixNs: NOON_NS + pastNs });

    logger.info('x');

    assert.deepEqual(lines, [`soon: [nsqd] 2026/01/02 12:03:04.${digits} INFO: x\n`]);
  });
}

for (const [text, wanted] of [
  ['a\nb', 'a\\nb'],
  ['a\r\n\tb', 'a\\r\\n\\tb'],
  ['\0\x1b[31m\x7f', '\\x00\\x1b[31m\\x7f'],
  ['\x85\x9b', '\\x85\\x9b'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\u202e\u2066', '\\u202e\\u2066'],
  ['"ä 漢 🙂 \\', '"ä 漢 🙂 \\'],
] as const) {
  test(`Logger: ${JSON.stringify(text)} is written as ${wanted}`, (t) => {
    const { logger, lines } = makeLogger(t, {});

    logger.info(text);
    logger.fatal(text);

    assert.deepEqual(
      lines.map((line) => line.slice(line.lastIndexOf(': ') + 2)),
      [`${wanted}\n`, `${wanted}\n`],
    );
  });
}

test('Logger: the time is local', (t) => {
  const { logger, lines } = makeLogger(t, { zone: 'Asia/Kolkata' });

  logger.info('x');

  assert.deepEqual(lines, ['soon: [nsqd] 2026/01/02 17:33:04.000000 INFO: x\n']);
});

for (const [index, level] of LOG_LEVELS.entries()) {
  test(`Logger: at level ${level} nothing below is written`, (t) => {
    const { logger, lines } = makeLogger(t, { level });

    writeAll(logger);

    assert.deepEqual(
      lines.map(wordOf),
      ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL'].slice(index),
    );
  });
}

test('Logger: a new level holds from the next line on', (t) => {
  const { logger, lines } = makeLogger(t, { level: 'error' });

  logger.info('before');
  logger.setLevel('info');
  logger.info('after');

  assert.equal(logger.level, 'info');
  assert.equal(logger.isWritten('debug'), false);
  assert.deepEqual(lines, ['soon: [nsqd] 2026/01/02 12:03:04.000000 INFO: after\n']);
});

test('log levels: are named in any case and numbered from 1', () => {
  assert.deepEqual(['debug', 'Info', 'WARN', 'error', 'fatal', 'warning', ''].map(parseLogLevel), [
    'debug',
    'info',
    'warn',
    'error',
    'fatal',
    undefined,
    undefined,
  ]);
  assert.deepEqual(LOG_LEVELS.map(logLevelNumber), [1, 2, 3, 4, 5]);
});

/** A logger at noon UTC, and the lines that its sink was given. */
function makeLogger(
  t: TestContext,
  { level = 'info' as LogLevel, unixNs = NOON_NS, zone = 'UTC' } = {},
): { logger: Logger; lines: string[] } {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
  const lines: string[] = [];
  const sink = {
    write: (line: string) => void lines.push(`soon: ${line}`),
    writeSync: (line: string) => void lines.push(`now: ${line}`),
  };
  return {
    logger: new Logger({ prefix: '[nsqd] ', level, sink, clock: { unixNs: () => unixNs } }),
    lines,
  };
}

function writeAll(logger: Logger): void {
  logger.debug('x');
  logger.info('x');
  logger.warn('x');
  logger.error('x');
  logger.fatal('x');
}

function wordOf(line: string): string {
  return line.split(' ')[4].replace(':', '');
}
