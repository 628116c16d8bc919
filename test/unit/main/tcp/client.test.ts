import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, initialSettings } from '../../../../src/main/tcp/client.ts';
import { optionsWith } from '../../../support/broker-turns.ts';

test('Client: counts the publishes to 1024 topics, and forgets the topic that it counted first', () => {
  const settings = initialSettings('host', optionsWith({}));
  const client = new Client(1, 'host', 4150, 0, settings, null);
  for (let topic = 0; topic < 1024; topic++) client.countPublish(`t${topic}`, 1);
  client.countPublish('t0', 1);
  const before = [client.publishCounts.size, client.publishCounts.get('t0')?.count];

  client.countPublish('new', 2);
  client.countPublish('new', 3);
  client.countPublish('t0', 4);

  const counts = ['new', 't0', 't1', 't2'].map((topic) => client.publishCounts.get(topic)?.count);
  assert.deepStrictEqual(
    [before, counts],
    [
      [1024, 2],
      [5, 4, undefined, 1],
    ],
  );
  assert.equal(client.publishCounts.size, 1024);
});
