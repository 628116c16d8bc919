// Topics in JetStream that another broker deletes while this one works on them, over a manager that the test makes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsCatalog } from '../../../../src/workers/streams/nats/nats-catalog.ts';
import { NatsNames } from '../../../../src/workers/streams/nats/nats-names.ts';
import { NatsTopics } from '../../../../src/workers/streams/nats/nats-topics.ts';

const REPLICATION = { replicas: 0, retention: { ageMs: 0, bytes: 0 } };
const CHANNEL = { topic: 't', channel: 'c', replication: REPLICATION };

function missing(code: number): JetStreamApiError {
  return new JetStreamApiError({ code: 404, err_code: code, description: 'it is not found' });
}

/** A topic whose stream is gone when a consumer is to be added to it. */
function setUp(consumerInfo: (name: string) => object | undefined) {
  const added: object[] = [];
  const removed: string[] = [];
  const manager = {
    streams: { info: async () => ({ state: { last_seq: 7, consumer_count: 1 } }) },
    consumers: {
      info: async (_: string, name: string) => {
        const info = consumerInfo(name);
        if (info === undefined) throw missing(JetStreamApiCodes.ConsumerNotFound);
        return info;
      },
      add: async (_: string, config: object) => {
        if (consumerInfo('holder') === undefined) throw missing(JetStreamApiCodes.StreamNotFound);
        added.push(config);
      },
      delete: async () => true,
    },
  };
  const catalog = {
    ensure: async () => undefined,
    remove: async (topic: string, channel: string) => void removed.push(`${topic}:${channel}`),
  };
  const nc = { request: () => Promise.reject(new Error('nobody is asked')) };
  // Only what is used here.
  const given = manager as unknown as JetStreamManager;
  const named = catalog as unknown as NatsCatalog;
  const topics = new NatsTopics(nc, given, given, new NatsNames('x'), named);
  return { topics, added, removed };
}

test('NatsTopics: a channel whose topic another broker deletes meanwhile is deleted, not an error', async () => {
  const { topics, removed } = setUp(() => undefined);

  await topics.delete(CHANNEL);

  assert.deepEqual(removed, ['t:c']);
});

test('NatsTopics: a channel whose topic another broker deletes meanwhile is empty', async () => {
  const { topics, added } = setUp(() => undefined);

  await topics.empty(CHANNEL);

  assert.deepEqual(added, []);
});

test('NatsTopics: a holder that is just going says nothing of where it stands', async () => {
  const { topics, added } = setUp((name) => (name === 'holder' ? {} : undefined));

  await topics.open(CHANNEL);

  const [{ opt_start_seq: start }] = added as { opt_start_seq: number }[];
  assert.equal(start, 8);
});
