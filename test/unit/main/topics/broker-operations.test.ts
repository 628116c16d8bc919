// Operators' changes of replicated topics that the store does not make.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BrokerOperations,
  type BrokerParts,
} from '../../../../src/main/topics/broker-operations.ts';
import { PublishRefused } from '../../../../src/main/topics/publisher.ts';
import { line, pub } from '../../../../src/protocol/commands.ts';
import type { BrokerTurns } from '../../../support/broker-turns.ts';
import { framesOf, ReplicatedSite } from '../../../support/replicated-site.ts';

/** Of the parts of a broker only what changes of topics use. */
function operationsOf({ topics, options, clock }: BrokerTurns): BrokerOperations {
  const parts = { topics, options, clock, storage: { metadata: { save: async () => undefined } } };
  return new BrokerOperations(parts as unknown as BrokerParts);
}

/** Why a change is refused, with the time that it needs; null if it is made. */
async function refusalOf(site: ReplicatedSite, change: Promise<void>): Promise<string | null> {
  const settled = change.then(
    () => null,
    (error: unknown) => (error instanceof PublishRefused ? error.message : assert.fail(`${error}`)),
  );
  await site.turns();
  return settled;
}

/** The channels of the topic `r` at each broker. */
function channelsOf({ brokers }: ReplicatedSite): (string[] | undefined)[] {
  return brokers.map(({ topics }) => {
    const topic = topics.get('r');
    return topic === undefined ? undefined : [...topic.channels.keys()];
  });
}

test('BrokerOperations: a channel that the store does not delete is still there, and the reason is the answer', async () => {
  const site = new ReplicatedSite(2);
  const [one] = site.brokers;
  await site.client(one, line('SUB', 'r', 'c'));
  const operations = operationsOf(one);
  site.server.changeError = 'it has no leader now';
  const refusal = await refusalOf(site, operations.deleteChannel('r', 'c'));
  const after = channelsOf(site);
  site.server.changeError = null;
  const consumer = await site.client(one, line('SUB', 'r', 'c'), line('RDY', 1));
  await site.client(one, pub('r', 'a'));
  const frames = framesOf(consumer);
  const deleted = await refusalOf(site, operations.deleteChannel('r', 'c'));

  assert.deepEqual([refusal, after], ['it has no leader now', [['c'], ['c']]]);
  assert.deepEqual(frames, ['response OK', 'message 1 a']);
  assert.deepEqual([deleted, channelsOf(site)], [null, [[], []]]);
});

test('BrokerOperations: a topic that the store does not delete is still there, with its channels and pauses', async () => {
  const site = new ReplicatedSite(2);
  const [one] = site.brokers;
  await site.client(one, line('SUB', 'r', 'c'));
  const operations = operationsOf(one);
  const paused = await refusalOf(site, operations.pauseChannel('r', 'c', true));
  site.server.changeError = 'it has no leader now';
  const refusal = await refusalOf(site, operations.deleteTopic('r'));
  const after = channelsOf(site);
  const isPaused = one.topics.get('r')?.channels.get('c')?.isPaused;
  site.server.changeError = null;
  const deleted = await refusalOf(site, operations.deleteTopic('r'));

  assert.deepEqual([paused, refusal, after], [null, 'it has no leader now', [['c'], ['c']]]);
  assert.equal(isPaused, true);
  assert.deepEqual([deleted, channelsOf(site)], [null, [undefined, undefined]]);
});

test('BrokerOperations: the reason why the store does not empty a topic or channel is the answer', async () => {
  const site = new ReplicatedSite();
  const [one] = site.brokers;
  await site.client(one, line('SUB', 'r', 'c'));
  const operations = operationsOf(one);
  site.server.changeError = 'it has no leader now';
  const refusals = [
    await refusalOf(site, operations.emptyTopic('r')),
    await refusalOf(site, operations.emptyChannel('r', 'c')),
  ];

  assert.deepEqual(refusals, ['it has no leader now', 'it has no leader now']);
});

test('BrokerOperations: a pause that the store cannot keep now is told to the other brokers later', async () => {
  const site = new ReplicatedSite(2);
  const [one, other] = site.brokers;
  await site.client(one, line('SUB', 'r', 'c'));
  const operations = operationsOf(one);
  const states = (): (boolean | undefined)[] =>
    [one, other].map(({ topics }) => topics.get('r')?.channels.get('c')?.isPaused);
  site.server.changeError = 'it has no leader now';
  await refusalOf(site, operations.pauseChannel('r', 'c', true));
  await site.advance(1000);
  const before = states();
  site.server.changeError = null;
  await site.advance(1000);
  const after = states();
  site.server.changeError = 'it has no leader now';
  await refusalOf(site, operations.pauseChannel('r', 'c', false));
  await refusalOf(site, operations.pauseChannel('r', 'c', true));
  site.server.changeError = null;
  await site.advance(1000);

  assert.deepEqual(
    [before, after, states()],
    [
      [true, false],
      [true, true],
      [true, true],
    ],
  );
});
