// New leaders of streams and consumers, over a connection that the test plays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import { followElections } from '../../../../src/workers/streams/nats/nats-elections.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

type Callback = (error: Error | null, message: { subject: string }) => void;

/** Subscriptions by subject. */
class NotedConnection {
  readonly callbacks = new Map<string, Callback>();

  /** Only what is used here. */
  get connection(): NatsConnection {
    return this as unknown as NatsConnection;
  }

  subscribe(subject: string, { callback }: { callback: Callback }): void {
    this.callbacks.set(subject, callback);
  }

  send(subscribed: string, subject: string): void {
    this.callbacks.get(subscribed)?.(null, { subject });
  }
}

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
  clock.advance(249);
  const atOnce = [...told];
  clock.advance(1);

  assert.deepEqual([atOnce, told], [[], ['q_a=db', 'q_a=db c_c']]);
});
