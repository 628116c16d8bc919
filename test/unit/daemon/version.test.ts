import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RINGMQ_VERSION, versionLine } from '../../../src/daemon/version.ts';

test('version: equals the one in package.json', () => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');

  assert.equal(RINGMQ_VERSION, JSON.parse(text).version);
});

test('version: the line has the shape of the one of nsqd', () => {
  assert.match(versionLine(), /^nsqd v1\.3\.0 \(built w\/ringmq\S+\/node\S+\)$/);
});
