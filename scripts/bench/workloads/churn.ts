/** Connections, channels or topics that come and go. */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { identify } from '../../../src/protocol/commands.ts';
import { Durations } from '../percentiles.ts';
import { FrameReader } from '../wire/frame-reader.ts';
import { connect } from '../wire/link.ts';
import type { Outcome, ProgressCount } from './workload.ts';

/** What is new in each cycle. */
export const CHURN_KINDS = ['connections', 'channels', 'topics'] as const;

export type ChurnOrder = {
  readonly address: HostPort;
  readonly topic: string;
  readonly kind: (typeof CHURN_KINDS)[number];
  /** Cycles that run at the same time. */
  readonly connections: number;
  /** Cycles in all. The load ends at this number or after `seconds`, whichever comes first; null is no limit. */
  readonly cycles: number | null;
  readonly seconds: number | null;
};

/** Counts cycles; the percentiles are those of a cycle, from connecting to the answer. */
export async function churn(order: ChurnOrder, progress: ProgressCount): Promise<Outcome> {
  const durations = new Durations();
  await progress.started();
  const startMs = performance.now();
  const deadlineMs =
    order.seconds === null ? Number.POSITIVE_INFINITY : startMs + order.seconds * 1000;
  const total = order.cycles ?? Number.POSITIVE_INFINITY;
  let begun = 0;
  let count = 0;
  const runner = async (): Promise<void> => {
    while (begun < total) {
      const beginMs = performance.now();
      if (beginMs >= deadlineMs) return;
      await cycle(order.address, commandOf(order, begun++));
      durations.add(performance.now() - beginMs);
      progress.done = ++count;
    }
  };
  await Promise.all(Array.from({ length: order.connections }, runner));
  const elapsedMs = performance.now() - startMs;
  return { count, elapsedMs, ...durations.summary(), figures: {} };
}

/** Ephemeral topics and channels are deleted with their last consumer, so the server cleans up after each cycle. */
function commandOf({ kind, topic }: ChurnOrder, index: number): Buffer {
  switch (kind) {
    case 'connections':
      return identify({});
    case 'channels':
      return Buffer.from(`SUB ${topic} c${index}#ephemeral\n`);
    case 'topics':
      return Buffer.from(`SUB t${index}#ephemeral c#ephemeral\n`);
  }
}

async function cycle(address: HostPort, command: Buffer): Promise<void> {
  const link = await connect(address);
  try {
    await new Promise<void>((resolve, reject) => {
      const reader = new FrameReader({
        onOk: () => resolve(),
        onMessage: () => reject(new Error('a message came to a channel that was to be empty')),
        onHeartbeat: () => undefined,
        onError: (text) => reject(new Error(`the server says ${text}`)),
      });
      link.listen({ onBytes: (chunk, end) => reader.take(chunk, end), onGone: reject });
      link.send(command);
    });
  } finally {
    link.close();
  }
}
