import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadTopics } from '../../../../scripts/bench/threads-command.ts';
import { nameHash } from '../../../../src/shared/name-hash.ts';

/** How many of the names fall on each thread. */
function fall(names: readonly string[], threads: number): number[] {
  const counts = Array.from({ length: threads }, () => 0);
  for (const name of names) counts[nameHash(name) % threads]++;
  return counts;
}

test('spreadTopics: topics fall evenly on pump threads, and their channels on disk threads', () => {
  for (const [pumps, disks] of [
    [1, 1],
    [2, 2],
    [8, 2],
    [3, 4],
    [4, 8],
  ]) {
    const topics = spreadTopics('test', 24, 'ch', { pumps, disks });

    const queues = topics.map((topic) => `${topic}:ch`);
    assert.deepStrictEqual(new Set(fall(topics, pumps)), new Set([24 / pumps]));
    assert.deepStrictEqual(new Set(fall(queues, disks)), new Set([24 / disks]));
    assert.equal(new Set(topics).size, 24);
  }
});
