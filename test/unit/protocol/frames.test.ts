import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError } from '../../../src/protocol/client-error.ts';
import {
  CLOSE_WAIT_FRAME,
  errorFrame,
  HEARTBEAT_FRAME,
  OK_FRAME,
  responseFrame,
} from '../../../src/protocol/frames.ts';

test('frames: size counts type and data, big-endian', () => {
  const hex = [OK_FRAME, errorFrame(Buffer.from('E')), responseFrame(Buffer.alloc(0))].map(
    (frame) => frame.toString('hex'),
  );

  assert.deepStrictEqual(hex, ['00000006000000004f4b', '000000050000000145', '0000000400000000']);
});

test('frames: fixed responses', () => {
  const texts = [CLOSE_WAIT_FRAME, HEARTBEAT_FRAME].map((frame) => frame.toString('latin1'));

  assert.deepStrictEqual(texts, ['\0\0\0\x0e\0\0\0\0CLOSE_WAIT', '\0\0\0\x0f\0\0\0\0_heartbeat_']);
});

test('frames: data of more than 64 KiB', () => {
  const frame = responseFrame(Buffer.alloc(0x012345));

  assert.deepStrictEqual([frame.readUInt32BE(0), frame.length], [0x012349, 0x01234d]);
});

test('ClientError: only a failed FIN, REQ or TOUCH leaves the connection open', () => {
  const codes = [
    'E_FIN_FAILED',
    'E_REQ_FAILED',
    'E_TOUCH_FAILED',
    'E_INVALID',
    'E_PUB_FAILED',
  ] as const;

  const fatal = codes.map((code) => new ClientError(code, 'x').isFatal);

  assert.deepStrictEqual(fatal, [false, false, false, true, true]);
});

test('ClientError: data is code and description, bytes as they are', () => {
  const data = [
    new ClientError('E_BAD_PROTOCOL', ''),
    new ClientError('E_INVALID', 'é'),
    new ClientError('E_INVALID', Buffer.of(0xff, 0x00)),
  ].map((error) => error.data.toString('latin1'));

  assert.deepStrictEqual(data, ['E_BAD_PROTOCOL', 'E_INVALID Ã©', 'E_INVALID \xff\0']);
});
