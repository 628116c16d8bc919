import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE_HEADER_BYTES } from '../../../../src/shared/limits.ts';
import * as records from '../../../../src/shared/records.ts';
import { RefusedPublications } from '../../../../src/workers/pump/topic-bound.ts';

/** Of a size field and a body of one byte. */
const MESSAGE_BYTES = 5;
/** Words before a record's fields. */
const BEFORE = 3;

/** A record of a publication. */
type Part = { count: number; token: number; first?: number; followingCount?: number };

/** A topic that has room for this many messages, and its calls. */
function makeTopic(room: number) {
  const asked: [count: number, bytes: number][] = [];
  const refusalOf = (count: number, bytes: number): string | null => {
    asked.push([count, bytes]);
    return count > room ? `no room for ${count}` : null;
  };
  return { asked, refusalOf };
}

function ask(
  refused: RefusedPublications,
  topic: ReturnType<typeof makeTopic> | undefined,
  { count, token, first = 0, followingCount = 0 }: Part,
): string | null {
  const words = new Uint32Array(BEFORE + records.PUBLISH_WORDS).fill(99, 0, BEFORE);
  words[BEFORE + records.PUBLISH_COUNT] = count;
  words[BEFORE + records.PUBLISH_TOKEN] = token;
  words[BEFORE + records.PUBLISH_FIRST] = first;
  words[BEFORE + records.PUBLISH_FOLLOWING_COUNT] = followingCount;
  words[BEFORE + records.PUBLISH_FOLLOWING_BYTES] = followingCount * MESSAGE_BYTES;
  return refused.refusalOf(words, BEFORE, count * MESSAGE_BYTES, topic);
}

test('RefusedPublications: the first record is asked for with all that follows, the others are not', () => {
  const topic = makeTopic(6);
  const refused = new RefusedPublications();
  const answers = [
    ask(refused, topic, { count: 1, token: 1, followingCount: 5 }),
    ask(refused, topic, { count: 2, token: 2, first: 1, followingCount: 3 }),
    ask(refused, topic, { count: 3, token: 3, first: 1 }),
  ];

  assert.deepStrictEqual(answers, [null, null, null]);
  assert.deepStrictEqual(topic.asked, [[6, 6 * (MESSAGE_BYTES + MESSAGE_HEADER_BYTES)]]);
});

test('RefusedPublications: when the first record is refused, the others are for the same reason', () => {
  const topic = makeTopic(5);
  const refused = new RefusedPublications();
  const answers = [
    ask(refused, topic, { count: 1, token: 1, followingCount: 5 }),
    ask(refused, topic, { count: 2, token: 2, first: 1, followingCount: 3 }),
    ask(refused, topic, { count: 3, token: 3, first: 1 }),
  ];

  assert.deepStrictEqual(answers, Array(3).fill('no room for 6'));
});

test('RefusedPublications: publications whose records alternate have nothing to do with each other', () => {
  const topic = makeTopic(5);
  const refused = new RefusedPublications();
  const answers = [
    ask(refused, topic, { count: 1, token: 1, followingCount: 5 }),
    ask(refused, topic, { count: 1, token: 2, followingCount: 1 }),
    ask(refused, topic, { count: 1, token: 3, followingCount: 6 }),
    ask(refused, topic, { count: 1, token: 4, first: 2 }),
    ask(refused, topic, { count: 6, token: 5, first: 3 }),
    ask(refused, topic, { count: 5, token: 6, first: 1 }),
  ];

  const [six, seven] = ['no room for 6', 'no room for 7'];
  assert.deepStrictEqual(answers, [six, null, seven, null, seven, six]);
});

test('RefusedPublications: what was refused is forgotten with its last record', () => {
  const topic = makeTopic(5);
  const refused = new RefusedPublications();
  ask(refused, topic, { count: 1, token: 1, followingCount: 5 });
  ask(refused, topic, { count: 5, token: 2, first: 1 });
  ask(refused, topic, { count: 9, token: 3 });

  // Tokens come round: the same ones are another publication's.
  const answers = [
    ask(refused, topic, { count: 1, token: 1, followingCount: 1 }),
    ask(refused, topic, { count: 1, token: 2, first: 1 }),
    ask(refused, topic, { count: 1, token: 4, first: 3 }),
  ];

  assert.deepStrictEqual(answers, [null, null, null]);
});

test('RefusedPublications: of a topic that is gone meanwhile, refused records are still forgotten', () => {
  const topic = makeTopic(5);
  const refused = new RefusedPublications();
  ask(refused, topic, { count: 1, token: 1, followingCount: 5 });
  const answers = [
    ask(refused, undefined, { count: 5, token: 2, first: 1 }),
    ask(refused, undefined, { count: 5, token: 3, first: 1 }),
    ask(refused, undefined, { count: 9, token: 4 }),
  ];

  assert.deepStrictEqual(answers, ['no room for 6', null, null]);
});
