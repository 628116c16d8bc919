import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { type GatheredBody, gatherBody } from '../../../../src/daemon/http/request-body.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A request of which a test makes the body come. */
function requestWith(headers: Record<string, string>): IncomingMessage {
  // Of a request, its headers and events are looked at.
  return Object.assign(new EventEmitter(), { headers }) as unknown as IncomingMessage;
}

for (const [name, headers] of [
  ['that says its length', { 'content-length': `${2 * MIB}` }],
  ['in chunks', { 'transfer-encoding': 'chunked' }],
] as const) {
  test(`gatherBody: a body ${name} is copied while it is small, and gathered in one piece of memory then`, (t) => {
    const request = requestWith(headers);
    const body = Buffer.from(Array.from({ length: 2 * MIB }, (_, index) => index % 251));
    const sizes: number[] = [];
    const allocate = Buffer.allocUnsafe;
    t.mock.method(Buffer, 'allocUnsafe', (bytes: number) => {
      if (bytes >= 64 * KIB) sizes.push(bytes);
      return allocate(bytes);
    });
    let gathered: GatheredBody | undefined;
    gatherBody(request, 0, 2 * MIB, {
      guarded: (callback) => callback,
      onPart: () => undefined,
      onGathered: (whole) => {
        gathered = whole;
      },
    });

    for (let at = 0; at < body.length; at += 64 * KIB) {
      request.emit('data', body.subarray(at, at + 64 * KIB));
    }
    request.emit('end');

    assert.deepEqual(sizes, [64 * KIB, 128 * KIB, 256 * KIB, 2 * MIB]);
    assert.equal(gathered?.isWhole, true);
    assert.ok(gathered?.bytes.equals(body));
  });
}

test('gatherBody: what throws while a body comes goes to the guard', (t) => {
  const request = requestWith({ 'transfer-encoding': 'chunked' });
  const thrown: unknown[] = [];
  gatherBody(request, 0, 2 * MIB, {
    guarded:
      (callback) =>
      (...given) => {
        try {
          callback(...given);
        } catch (error) {
          thrown.push(error);
        }
      },
    onPart: () => undefined,
    onGathered: () => undefined,
  });
  // As of a process that has no more memory.
  const error = new RangeError('Array buffer allocation failed');
  t.mock.method(Buffer, 'allocUnsafe', () => {
    throw error;
  });

  request.emit('data', Buffer.alloc(64 * KIB));

  assert.deepEqual(thrown, [error]);
});

test('gatherBody: the memory of what has come is free as soon as it is copied, beyond the limit too', () => {
  const request = requestWith({ 'transfer-encoding': 'chunked' });
  let gathered: GatheredBody | undefined;
  gatherBody(request, 0, 64 * KIB, {
    guarded: (callback) => callback,
    onPart: () => undefined,
    onGathered: (part) => {
      gathered = part;
    },
  });
  const chunks = [1, 2, 3].map((fill) => Buffer.alloc(48 * KIB, fill));

  for (const chunk of chunks) request.emit('data', chunk);

  assert.deepEqual(
    chunks.map(({ length }) => length),
    [0, 0, 0],
  );
  assert.equal(gathered?.isWhole, false);
  const wanted = Buffer.concat([Buffer.alloc(48 * KIB, 1), Buffer.alloc(16 * KIB, 2)]);
  assert.ok(gathered?.bytes.equals(wanted));
});
