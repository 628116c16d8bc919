/** Many deferred messages at once: how late do they come? */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { sizedBody } from '../wire/commands.ts';
import { connect } from '../wire/connect.ts';
import type { Link } from '../wire/link.ts';
import { AnswerWatch, StampedConsumer } from './timed-clients.ts';
import type { Outcome, ProgressCount } from './workload.ts';

/** Commands that are not answered yet, so that none waits long for the broker. */
const IN_FLIGHT_MAX = 200;
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
  /** The messages come due from this long after the first publish, evenly over `spreadMs`. */
  readonly delayMs: number;
  readonly spreadMs: number;
};

/** Publishes messages of which each says when it is due, and compares with when it comes. */
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
    while (sent - answers.answered > IN_FLIGHT_MAX) await answers.next();
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
