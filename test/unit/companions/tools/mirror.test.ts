import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeStats } from '../../../../src/companions/operator/node-stats.ts';
import { runMirror } from '../../../../src/companions/tools/mirror.ts';
import {
  mirrorCounts,
  mirroredTopics,
  missingParts,
} from '../../../../src/companions/tools/mirror-layout.ts';
import { runWords } from '../../../support/operator.ts';

type Channels = Readonly<Record<string, boolean>>;

/** Topics with their channels by name; true: paused. */
function stats(topics: Readonly<Record<string, { paused?: true; channels: Channels }>>): NodeStats {
  return {
    version: '1.3.0',
    health: 'OK',
    start_time: 1,
    topics: Object.entries(topics).map(([name, { paused = false, channels }]) => ({
      topic_name: name,
      paused,
      depth: 3,
      backend_depth: 0,
      message_count: 10,
      message_bytes: 0,
      channels: Object.entries(channels).map(([channel, isPaused]) => ({
        channel_name: channel,
        paused: isPaused,
        depth: 1,
        backend_depth: 0,
        message_count: 10,
        in_flight_count: 2,
        deferred_count: 4,
        requeue_count: 0,
        timeout_count: 0,
        client_count: 0,
        clients: [],
      })),
    })),
  };
}

const SOURCE = stats({
  a: { channels: { x: false, y: true, 'z#ephemeral': false, ringmq_mirror: false } },
  b: { paused: true, channels: {} },
  'c#ephemeral': { channels: { x: false } },
});

test('missingParts: a new target gets topics and channels, paused as at the source', () => {
  assert.deepEqual(missingParts(mirroredTopics(SOURCE, []), stats({})), [
    '/topic/create?topic=a',
    '/channel/create?topic=a&channel=x',
    '/channel/create?topic=a&channel=y',
    '/channel/pause?topic=a&channel=y',
    '/topic/create?topic=b',
    '/topic/pause?topic=b',
  ]);
});

test('missingParts: what the target has stays as it is', () => {
  const target = stats({ a: { channels: { y: false } }, b: { channels: {} } });

  assert.deepEqual(missingParts(mirroredTopics(SOURCE, []), target), [
    '/channel/create?topic=a&channel=x',
  ]);
});

test('mirroredTopics: only those that are wanted', () => {
  assert.deepEqual(mirroredTopics(SOURCE, ['b', 'none']), [
    { name: 'b', isPaused: true, channels: [] },
  ]);
});

test('mirrorCounts: what is left is in the topic and in the channel that is copied from', () => {
  assert.deepEqual(mirrorCounts(SOURCE, 'a', 'ringmq_mirror'), { published: 10, left: 10 });
  assert.deepEqual(mirrorCounts(SOURCE, 'b', 'ringmq_mirror'), { published: 10, left: 3 });
  assert.deepEqual(mirrorCounts(SOURCE, 'd', 'ringmq_mirror'), { published: 0, left: 0 });
});

for (const [words, reason] of [
  [[], '--nsqd-http-address required'],
  [['--nsqd-http-address=h:1'], '--destination-nsqd-http-address required'],
  [['a'], 'unknown arguments: [a]'],
  [
    ['--nsqd-http-address=127.0.0.1:1', '--destination-nsqd-http-address=127.0.0.1:1'],
    'no answer from the broker at http://127.0.0.1:1 - bad port; --nsqd-http-address names another one',
  ],
] as const) {
  test(`mirror ${words.join(' ')} ends with 1`, async () => {
    const outcome = await runWords(runMirror, words);

    assert.equal(outcome.code, 1);
    assert.ok(outcome.stderr.includes(reason), outcome.stderr);
  });
}
