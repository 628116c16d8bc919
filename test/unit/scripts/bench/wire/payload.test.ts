import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { mixedParts } from '../../../../../scripts/bench/loads/mixed.ts';
import { ArgumentError } from '../../../../../scripts/bench/options.ts';
import {
  PAYLOAD_OPTION,
  payloadBodies,
  withoutNewlines,
} from '../../../../../scripts/bench/wire/payload.ts';

test('payload: each kind has bodies of the size, the same each time, that compress as they say', () => {
  for (const [kind, least, most] of [
    ['zeros', 0, 0.02],
    ['json', 0.05, 0.5],
    ['random', 1, 1.1],
  ] as const) {
    const bodies = payloadBodies(200, 50, kind);
    const all = Buffer.concat(bodies);

    assert.deepEqual([bodies.length, all.length], [50, 10_000]);
    assert.deepEqual(payloadBodies(200, 50, kind), bodies);
    const share = deflateRawSync(all).length / all.length;
    assert.ok(share >= least && share <= most, `${kind}: ${share}`);
  }
});

test('payload: records are JSON, and short ones still have their size', () => {
  const [first, second] = payloadBodies(200, 2, 'json').map((body) => JSON.parse(String(body)));
  const short = payloadBodies(5, 3, 'json').map(({ length }) => length);

  assert.deepEqual([first.id, second.id], [0, 1]);
  assert.deepEqual(short, [5, 5, 5]);
});

test('payload: a file is cut into bodies, again from its begin when it ends', (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-payload-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'bodies');
  writeFileSync(file, 'ab\ncd');

  const bodies = payloadBodies(3, 3, file);

  assert.deepEqual(bodies.map(String), ['ab\n', 'cda', 'b\nc']);
  assert.deepEqual(withoutNewlines(bodies).map(String), ['ab ', 'cda', 'b c']);
  assert.equal(PAYLOAD_OPTION.parse(file, '--payload'), file);
});

test('payload: what is no kind and no file is refused', () => {
  assert.throws(() => PAYLOAD_OPTION.parse('zeroes', '--payload'), ArgumentError);
});

test('mixed: a seed gives the same topics, the first with the most messages', () => {
  const parts = mixedParts({ seed: 3, topics: 5, messages: 1000 });

  assert.deepEqual(mixedParts({ seed: 3, topics: 5, messages: 1000 }), parts);
  assert.notDeepEqual(mixedParts({ seed: 4, topics: 5, messages: 1000 }), parts);
  assert.deepEqual(
    parts.map(({ publish }) => publish.messages),
    [438, 219, 146, 109, 88],
  );
  for (const { consume, publish } of parts) {
    assert.ok(consume.channels.length >= 1 && consume.channels.length <= 3);
    assert.ok(publish.connections >= 1 && publish.connections <= 4);
  }
});
