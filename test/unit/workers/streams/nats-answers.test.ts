// What waits for answers of JetStream, over a connection that only notes what is sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import { followElections } from '../../../../src/workers/streams/nats/nats-elections.ts';
import { NatsPublishes } from '../../../../src/workers/streams/nats/nats-publishes.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

type Callback = (error: Error | null, message: { subject: string; data: Uint8Array }) => void;

/** Subscriptions by subject, without the last token of a wildcard. */
class NotedConnection {
  readonly callbacks = new Map<string, Callback>();

  /** Only what the classes here use. */
  get connection(): NatsConnection {
    return this as unknown as NatsConnection;
  }

  subscribe(subject: string, { callback }: { callback: Callback }): void {
    this.callbacks.set(subject, callback);
  }

  publish(): void {
    // Nobody answers.
  }

  send(subscribed: string, subject: string, text = ''): void {
    this.callbacks.get(subscribed)?.(null, { subject, data: Buffer.from(text) });
  }
}

test('NatsPublishes: a new leader ends the wait for what its stream got before, others wait on', () => {
  const nats = new NotedConnection();
  let nowMs = 0;
  const publishes = new NatsPublishes(nats.connection, 'inbox', () => nowMs);
  const answers: string[] = [];
  const publish = (subject: string, name: string): void =>
    publishes.publish(subject, Buffer.from('x'), 0, (error) => answers.push(`${name} ${error}`));
  publish('a', 'answered');
  publish('a', 'old');
  publish('b', 'other');
  nats.send('inbox.*', 'inbox.1', '{"stream":"a","seq":1}');
  nowMs = 1000;
  publish('a', 'new');
  nowMs = 1500;
  publishes.failOlder('a', 1000, 'there is a new leader');
  const first = answers.splice(0);
  nowMs = 3000;
  publishes.expire();
  const second = answers.splice(0);
  nowMs = 4000;
  publishes.expire();

  assert.deepEqual(first, ['answered null', 'old there is a new leader']);
  assert.deepEqual(second, ['other the store has not answered for 3 s']);
  assert.deepEqual(answers, ['new the store has not answered for 3 s']);
});

test('followElections: tells of a new leader when it takes requests', () => {
  const nats = new NotedConnection();
  const clock = new ManualClock();
  const told: string[] = [];
  followElections(nats.connection, clock, {
    onStreamLed: (stream) => told.push(stream),
    onConsumerLed: (stream, consumer) => told.push(`${stream} ${consumer}`),
  });
  const advisory = '$JS.EVENT.ADVISORY';
  nats.send(`${advisory}.STREAM.LEADER_ELECTED.*`, `${advisory}.STREAM.LEADER_ELECTED.q_a=db`);
  nats.send(
    `${advisory}.CONSUMER.LEADER_ELECTED.*.*`,
    `${advisory}.CONSUMER.LEADER_ELECTED.q_a=db.c_c`,
  );
  const atOnce = [...told];
  clock.advance(250);
  const soon = [...told];
  clock.advance(750);

  assert.deepEqual([atOnce, soon, told], [[], ['q_a=db c_c'], ['q_a=db c_c', 'q_a=db']]);
});
