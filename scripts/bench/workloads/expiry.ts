/** Many messages with a time to live, of which some expire: how late are their dead letters? */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { mpub } from '../../../src/protocol/commands.ts';
import { OpenLoop, runOpenLoop } from '../open-loop.ts';
import { pause, preparePauses } from '../pacer.ts';
import { connect } from '../wire/connect.ts';
import type { Link } from '../wire/link.ts';
import { payloadBodies } from '../wire/payload.ts';
import { AnswerWatch, StampedConsumer } from './timed-clients.ts';
import type { Outcome, ProgressCount } from './workload.ts';

/** Commands without an answer. */
const IN_FLIGHT_MAX = 50;
const MS_PER_SECOND = 1000;
const CLOCK = { monotonicMs: () => performance.now() };

export type ExpiryOrder = {
  readonly address: HostPort;
  readonly topic: string;
  readonly channel: string;
  /** Where expired messages go. */
  readonly deadTopic: string;
  readonly messages: number;
  /** How many expire: the last ones. */
  readonly expiring: number;
  /** Messages of an MPUB. */
  readonly batch: number;
  readonly size: number;
  readonly rdy: number;
  readonly ttlMs: number;
  /** The messages are published evenly over this time, before the first of them expires. */
  readonly spreadMs: number;
};

/**
 * Publishes everything, then finishes all but the last messages, and reads from each dead letter when it expired.
 * Errors: rejects when a message that should be finished expires.
 */
export async function expiry(order: ExpiryOrder, progress: ProgressCount): Promise<Outcome> {
  const { address, topic, channel, deadTopic, messages, expiring, rdy } = order;
  const letters = new StampedConsumer(await connect(address), expiring, progress);
  await letters.subscribe(deadTopic, channel, rdy);
  const producer = await connect(address);
  const answers = new AnswerWatch(producer);
  progress.allowQuiet(order.ttlMs + order.spreadMs);
  await preparePauses();
  await progress.started();
  const startMs = performance.now();
  await publishEvenly(producer, answers, order, startMs);
  const publishedMs = performance.now();
  const consumer = new StampedConsumer(await connect(address), messages - expiring, progress);
  await consumer.subscribe(topic, channel, rdy);
  await consumer.ended();
  const consumedMs = performance.now();
  if (expiring > 0 && consumedMs - startMs > order.ttlMs) {
    throw new Error('the messages were not consumed before the first expired: use a longer --ttl');
  }
  await Promise.race([letters.ended(), answers.failed()]);
  const elapsedMs = performance.now() - startMs;
  producer.close();
  consumer.close();
  letters.close();
  return {
    count: messages,
    elapsedMs,
    percentiles: letters.lateness.percentiles(),
    figures: {
      publishRate: (messages / (publishedMs - startMs)) * MS_PER_SECOND,
      consumeRate: ((messages - expiring) / (consumedMs - publishedMs)) * MS_PER_SECOND,
      ...(expiring > 0 ? { earliest: letters.earliestMs, early: letters.early } : {}),
    },
  };
}

/** Each message says when it expires, counted from when it is sent. */
async function publishEvenly(
  producer: Link,
  answers: AnswerWatch,
  { topic, messages, batch, size, ttlMs, spreadMs }: ExpiryOrder,
  startMs: number,
): Promise<void> {
  const commands = Math.ceil(messages / batch);
  const bodies = payloadBodies(size, batch);
  const loop = new OpenLoop((commands / spreadMs) * MS_PER_SECOND, commands, startMs);
  const send = (first: number, count: number, nowMs: number): void => {
    for (const body of bodies) body.writeDoubleBE(nowMs + ttlMs);
    for (let index = first; index < first + count; index++) {
      producer.send(mpub(topic, bodies.slice(0, Math.min(batch, messages - index * batch))));
    }
  };
  const room = (): number => Math.max(0, IN_FLIGHT_MAX - (loop.taken - answers.answered));
  await runOpenLoop(loop, CLOCK, room, send, pause);
  while (answers.answered < commands) await answers.next();
}
