/** Publishes messages that become due or expire, and measures how late they are delivered. */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { mpub } from '../../../src/protocol/commands.ts';
import { OpenLoop, runOpenLoop } from '../open-loop.ts';
import { pause, preparePauses } from '../pacer.ts';
import { sizedBody } from '../wire/commands.ts';
import type { Link } from '../wire/link.ts';
import { connect } from '../wire/link.ts';
import { payloadBodies } from '../wire/payload.ts';
import { AnswerWatch, StampedConsumer } from './timed-clients.ts';
import type { Outcome, ProgressCount } from './workload.ts';

/** Unanswered commands; few, so that none waits long for the broker. */
const DEFERRED_IN_FLIGHT_MAX = 200;
const COMMANDS_PER_WRITE = 100;
/** Room for the digits of any delay. */
const DELAY_DIGITS_MAX = 16;

export type DeferredOrder = {
  readonly address: HostPort;
  readonly topic: string;
  readonly channel: string;
  readonly messages: number;
  readonly size: number;
  readonly rdy: number;
  /** The first message is due this long after the first publish, and the others follow evenly over `spreadMs`. */
  readonly delayMs: number;
  readonly spreadMs: number;
};

/** Publishes messages that contain their due times, and compares these with their arrival. */
export async function deferred(order: DeferredOrder, progress: ProgressCount): Promise<Outcome> {
  const consumer = new StampedConsumer(await connect(order.address), order.messages, progress);
  const producer = await connect(order.address);
  const answers = new AnswerWatch(producer);
  await consumer.subscribe(order.topic, order.channel, order.rdy);
  progress.allowQuiet(order.delayMs);
  await progress.started();
  const startMs = performance.now();
  await publishDeferred(producer, answers, order);
  const publishedMs = performance.now() - startMs;
  await Promise.race([consumer.ended(), answers.failed()]);
  const elapsedMs = performance.now() - startMs;
  producer.close();
  consumer.close();
  return {
    count: order.messages,
    elapsedMs,
    percentiles: consumer.lateness.percentiles(),
    figures: {
      publishRate: (order.messages / publishedMs) * 1000,
      earliest: consumer.earliestMs,
      early: consumer.early,
    },
  };
}

async function publishDeferred(
  producer: Link,
  answers: AnswerWatch,
  order: DeferredOrder,
): Promise<void> {
  const body = sizedBody(order.size);
  const opcode = Buffer.from(`DPUB ${order.topic} `);
  const longest = opcode.length + DELAY_DIGITS_MAX + 1 + body.length;
  const startMs = performance.now();
  let sent = 0;
  while (sent < order.messages) {
    while (sent - answers.answered > DEFERRED_IN_FLIGHT_MAX) await answers.next();
    const bytes = Buffer.allocUnsafe(COMMANDS_PER_WRITE * longest);
    let end = 0;
    const nowMs = performance.now();
    for (let i = 0; i < COMMANDS_PER_WRITE && sent < order.messages; i++, sent++) {
      const dueMs = startMs + order.delayMs + (sent / order.messages) * order.spreadMs;
      const delayMs = Math.max(0, Math.round(dueMs - nowMs));
      end += opcode.copy(bytes, end);
      end += bytes.write(`${delayMs}\n`, end, 'latin1');
      end += body.copy(bytes, end);
      bytes.writeDoubleBE(nowMs + delayMs, end - order.size);
    }
    producer.send(bytes.subarray(0, end));
  }
  while (answers.answered < order.messages) await answers.next();
}

/** Unanswered commands. */
const EXPIRING_IN_FLIGHT_MAX = 50;
const MS_PER_SECOND = 1000;
const CLOCK = { monotonicMs: () => performance.now() };

export type ExpiryOrder = {
  readonly address: HostPort;
  readonly topic: string;
  readonly channel: string;
  /** The topic of expired messages. */
  readonly deadTopic: string;
  readonly messages: number;
  /** How many expire: the last ones. */
  readonly expiring: number;
  /** Messages of an MPUB. */
  readonly batch: number;
  readonly size: number;
  readonly rdy: number;
  readonly ttlMs: number;
  /** The messages are published evenly over this time, which ends before the first of them expires. */
  readonly spreadMs: number;
};

/**
 * Publishes everything, then finishes all except the last messages, and reads from each dead letter when it expired.
 * Errors: rejects if a message expires that should have been finished.
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

/** Each message contains its expiry, counted from when it is sent. */
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
  const room = (): number => Math.max(0, EXPIRING_IN_FLIGHT_MAX - (loop.taken - answers.answered));
  await runOpenLoop(loop, CLOCK, room, send, pause);
  while (answers.answered < commands) await answers.next();
}
