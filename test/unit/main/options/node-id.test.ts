import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultNodeId } from '../../../../src/main/options/node-id.ts';

test('defaultNodeId: the number that nsqd gives these hosts', () => {
  assert.deepEqual(
    ['', 'localhost', 'nsqd-0', 'bücher.example'].map(defaultNodeId),
    [812, 16, 794, 87],
  );
});
