import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NatsNames, readKey } from '../../../../src/workers/streams/nats/nats-names.ts';

test('NatsNames: names with dots and suffixes are written without them', () => {
  const names = new NatsNames('p');

  assert.deepEqual(
    [
      names.stream('a.b'),
      names.subject('a.b'),
      names.consumer('c.d#ephemeral'),
      names.key('a.b', ''),
      names.key('a.b', 'c-_D9'),
      names.channelKeys('a.b'),
      names.bucket,
    ],
    ['p_a=db', 'p.t.a=db', 'c_c=dd=eephemeral', 't.a=db', 'c.a=db.c-_D9', 'c.a=db.*', 'p_catalog'],
  );
});

test('NatsNames: different names are written differently', () => {
  const names = new NatsNames('p');
  const topics = ['a.b', 'a-b', 'a_b', 'ab', 'a..b', 'a.d', 'a.e', 'add', 'aed'];

  assert.equal(new Set(topics.map((topic) => names.stream(topic))).size, topics.length);
});

test('readKey: reads what key writes, and nothing else', () => {
  const names = new NatsNames('p');
  for (const [topic, channel] of [
    ['a.b', ''],
    ['.', 'x.y'],
    ['d.e', 'e.d'],
  ] as const) {
    assert.deepEqual(readKey(names.key(topic, channel)), { topic, channel });
  }

  for (const key of ['x', 't', 't.a.b', 'c.a', 'c.a.b.c', 'z.a']) {
    assert.equal(readKey(key), undefined, key);
  }
});
