import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compareVersions,
  listedProducer,
  mergeListed,
} from '../../../../src/companions/admin/producers.ts';

for (const [older, newer] of [
  ['1.2.9', '1.3.0'],
  ['1.9.0', '1.10.0'],
  ['0.3.8', '1.0.0'],
  ['1.3.0-alpha', '1.3.0'],
  ['1.3.0-alpha', '1.3.0-beta'],
  ['1.3.0-rc.2', '1.3.0-rc.10'],
  ['1.3.0-1', '1.3.0-a'],
  ['1.3.0-a', '1.3.0-a.1'],
  ['latest', '0.0.1'],
] as const) {
  test(`compareVersions: ${older} is before ${newer}`, () => {
    assert.ok(compareVersions(older, newer) < 0);
    assert.ok(compareVersions(newer, older) > 0);
  });
}

test('compareVersions: a build makes no difference, and neither do two that are none', () => {
  assert.equal(compareVersions('1.3.0+a', '1.3.0'), 0);
  assert.equal(compareVersions('x', 'y'), 0);
});

test('mergeListed: a node is there once, with all who list it, and says whether it is old', () => {
  const node = (hostname: string, version: string, remote: string) =>
    listedProducer({
      hostname,
      version,
      remote_address: remote,
      broadcast_address: hostname,
      tcp_port: 1,
      http_port: 2,
      topics: ['b', 'a'],
      tombstones: [true],
    });

  const merged = mergeListed([
    { address: 'l1:1', producers: [node('z', '1.2.0', 'r1'), node('y', '1.3.0', '')] },
    { address: 'l2:1', producers: [node('z', '1.2.0', 'r2')] },
  ]);

  assert.deepEqual(
    merged.map((one) => [one.hostname, one.remote_addresses, one.out_of_date]),
    [
      ['y', ['l1:1/N/A'], false],
      ['z', ['l1:1/r1', 'l2:1/r2'], true],
    ],
  );
  assert.deepEqual(merged[0].topics, [
    { topic: 'a', tombstoned: false },
    { topic: 'b', tombstoned: true },
  ]);
});
