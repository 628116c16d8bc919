/**
 * Connects a pump loop to the rings of its task.
 *
 * Thread: pump.
 */

import type { Clock } from '../../shared/clock.ts';
import { Doorbell } from '../../shared/ring/doorbell.ts';
import { RingReader, RingWriter } from '../../shared/ring/ring.ts';
import type { MeteredThread } from '../../shared/thread-meter.ts';
import type { LinkMemory, PumpTask } from '../../shared/thread-tasks.ts';
import { PumpLoop } from './pump-loop.ts';
import type { PumpLoopOptions } from './pump-loop-options.ts';
import { PumpMeter } from './pump-meter.ts';

const NS_PER_MS = 1e6;

/** The environment of a pump loop. */
export type PumpContext = Pick<PumpLoopOptions, 'random' | 'backlogBounds' | 'fanOutBounds'> & {
  readonly clock: Pick<Clock, 'monotonicMs' | 'unixNs'>;
  /** Where the loop counts what it does. */
  readonly thread: MeteredThread;
};

/** Creates a loop; `runLoop` or a test calls its `step`. */
export function wirePumpLoop(task: PumpTask, { clock, thread, ...own }: PumpContext): PumpLoop {
  const unixNs = (): number => Number(clock.unixNs());
  return new PumpLoop({
    ...own,
    publishes: new RingReader(task.publishes),
    commands: new RingReader(task.commands),
    deliveries: new RingWriter(task.deliveries),
    mainBell: new Doorbell(task.mainBell),
    disks: task.disks.map(linkEnds),
    streams: task.streams === null ? null : linkEnds(task.streams),
    nodeId: task.nodeId,
    memoryBudgetBytes: task.memoryBudgetBytes,
    maxMsgTimeoutMs: task.maxMsgTimeoutMs,
    latency: {
      percentiles: task.latencyPercentiles,
      windowMs: task.latencyWindowMs,
      unixNs,
    },
    meter: new PumpMeter(thread, () => unixNs() / NS_PER_MS),
    monotonicMs: () => clock.monotonicMs(),
  });
}

function linkEnds({ requests, replies, bell }: LinkMemory): PumpLoopOptions['disks'][number] {
  return {
    requests: new RingWriter(requests),
    replies: new RingReader(replies),
    bell: new Doorbell(bell),
  };
}
