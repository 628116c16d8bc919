import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logConnectionError } from '../../../../src/main/tcp/connection-errors.ts';

function logged(error: Error, isEnding: boolean): string[] {
  const log: string[] = [];
  const logger = {
    error: (text: string) => void log.push(`error ${text}`),
    debug: (text: string) => void log.push(`debug ${text}`),
  };
  logConnectionError(logger, '127.0.0.1:5', error, isEnding);
  return log;
}

const RESET = Object.assign(new Error('read ECONNRESET'), { syscall: 'read' });

test('logConnectionError: a failed read is an error, named as nsqd names it', () => {
  assert.deepStrictEqual(logged(RESET, false), [
    'error client(127.0.0.1:5) - failed to read command - read ECONNRESET',
  ]);
});

test('logConnectionError: damage in a layer is a failed read', () => {
  assert.deepStrictEqual(logged(new Error('deflate: invalid block type'), false), [
    'error client(127.0.0.1:5) - failed to read command - deflate: invalid block type',
  ]);
});

test('logConnectionError: failed writes, and clients that have been ended, are no news', () => {
  const pipe = Object.assign(new Error('write EPIPE'), { syscall: 'write' });

  assert.deepStrictEqual(logged(pipe, false), ['debug client(127.0.0.1:5) - write EPIPE']);
  assert.deepStrictEqual(logged(RESET, true), ['debug client(127.0.0.1:5) - read ECONNRESET']);
});
