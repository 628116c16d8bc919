import assert from 'node:assert/strict';
import { test } from 'node:test';
import { depthBoundOf, topicRefusal } from '../../../../src/workers/pump/topic-bound.ts';
import { channelPolicyWith } from '../../../support/topic-policies.ts';

/** A queue that has room for so many messages and bytes. */
type Queue = Parameters<typeof topicRefusal>[0]['queue'];

function queueWith(name: string, depth: number, room: number, roomBytes = Infinity): Queue {
  return {
    depth,
    bytes: depth * 100,
    refusalOf: (count, bytes) =>
      count > room || bytes > roomBytes ? `${name} refuses ${count}, ${bytes} bytes` : null,
  };
}

test('depthBoundOf: 0 is no bound', () => {
  const policy = channelPolicyWith({ maxDepth: 0, maxBytes: 0, whenFull: 'reject' });

  assert.deepStrictEqual(depthBoundOf(policy), {
    maxDepth: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
    dropsOldest: false,
  });
});

test('depthBoundOf: at its bound a queue refuses or drops its oldest', () => {
  const bounds = { maxDepth: 5, maxBytes: 700 };
  const reject = depthBoundOf(channelPolicyWith({ ...bounds, whenFull: 'reject' }));
  const drop = depthBoundOf(channelPolicyWith({ ...bounds, whenFull: 'drop-oldest' }));

  assert.deepStrictEqual(reject, { ...bounds, dropsOldest: false });
  assert.deepStrictEqual(drop, { ...bounds, dropsOldest: true });
});

test('topicRefusal: a topic that keeps its messages applies its own bound', () => {
  const topic = { queue: queueWith('topic', 0, 2), isFlowing: false };

  assert.equal(topicRefusal(topic, [], null, 2, 200), null);
  assert.equal(topicRefusal(topic, [], null, 3, 300), 'topic refuses 3, 300 bytes');
});

test('topicRefusal: a topic whose messages flow to channels does not, but they do', () => {
  const topic = { queue: queueWith('topic', 0, 0), isFlowing: true };
  const channels = [{ queue: queueWith('a', 0, 9) }, { queue: queueWith('b', 0, 2) }];

  assert.equal(topicRefusal(topic, channels, null, 2, 200), null);
  assert.equal(topicRefusal(topic, channels, null, 3, 300), 'b refuses 3, 300 bytes');
});

test('topicRefusal: what waits in the topic and what is on its way count for the channels', () => {
  const topic = { queue: queueWith('topic', 4, 0), isFlowing: true };
  const onTheWay = { count: 2, bytes: 50 };
  const channelWith = (room: number, roomBytes: number) => [
    { queue: queueWith('c', 0, room, roomBytes) },
  ];

  assert.equal(topicRefusal(topic, channelWith(7, 460), onTheWay, 1, 10), null);
  assert.equal(topicRefusal(topic, channelWith(6, 460), onTheWay, 1, 10), 'c refuses 7, 460 bytes');
  assert.equal(topicRefusal(topic, channelWith(7, 459), onTheWay, 1, 10), 'c refuses 7, 460 bytes');
});

test('topicRefusal: what a paused topic keeps does not count for the channels', () => {
  const topic = { queue: queueWith('topic', 4, 9), isFlowing: false };

  assert.equal(topicRefusal(topic, [{ queue: queueWith('c', 0, 3) }], null, 3, 300), null);
});
