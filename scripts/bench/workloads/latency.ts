/** The time from when a message is due to be published until it arrives, at a fixed rate. */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { SystemClock } from '../../../src/shared/clock.ts';
import { OpenLoop, runOpenLoop, unansweredMax } from '../open-loop.ts';
import { pause, preparePauses } from '../pacer.ts';
import { Durations } from '../percentiles.ts';
import { publishing } from '../wire/commands.ts';
import type { Layers } from '../wire/link.ts';
import { connect } from '../wire/link.ts';
import { AnswerWatch, StampedConsumer } from './timed-clients.ts';
import type { Outcome, ProgressCount } from './workload.ts';

export type LatencyOrder = {
  readonly address: HostPort;
  readonly layers: Layers;
  readonly topic: string;
  readonly channel: string;
  readonly size: number;
  readonly payload: string;
  readonly rdy: number;
  /** Messages per second. */
  readonly rate: number;
  readonly messages: number;
};

/**
 * Publishes at fixed times whatever the server does, within the bound of an open loop, so that waiting for a stall to
 * end does not hide it.
 */
export async function latency(order: LatencyOrder, progress: ProgressCount): Promise<Outcome> {
  const producer = await connect(order.address, order.layers);
  const answers = new AnswerWatch(producer);
  const link = await connect(order.address, order.layers);
  const consumer = new StampedConsumer(link, order.messages, progress);
  await consumer.subscribe(order.topic, order.channel, order.rdy);
  await preparePauses();
  await progress.started();

  const command = publishing({ ...order, batch: 1, deferMs: 0 });
  const stampAt = command.length - order.size;
  const startMs = performance.now();
  const loop = new OpenLoop(order.rate, order.messages, startMs);
  const sentLate = new Durations();
  const send = (first: number, count: number, nowMs: number): void => {
    const bytes = Buffer.allocUnsafe(count * command.length);
    for (let i = 0; i < count; i++) {
      const dueMs = loop.dueMs(first + i);
      command.copy(bytes, i * command.length);
      bytes.writeDoubleBE(dueMs, i * command.length + stampAt);
      sentLate.add(nowMs - dueMs);
    }
    producer.send(bytes);
  };
  const bound = unansweredMax(command.length);
  const room = (): number => bound - (loop.taken - answers.answered);
  const sending = runOpenLoop(loop, new SystemClock(), room, send, pause);
  await Promise.race([Promise.all([sending, consumer.ended()]), answers.failed()]);
  const elapsedMs = performance.now() - startMs;
  producer.close();
  consumer.close();
  return {
    count: order.messages,
    elapsedMs,
    ...consumer.lateness.summary(),
    figures: {
      generatorLate: sentLate.percentiles()?.p99 ?? 0,
      ...(loop.heldBack === 0 ? {} : { heldBack: loop.heldBack }),
    },
  };
}
