/**
 * The work of a server before a load is measured, so that its code is compiled as in a server that has run for a while.
 * It uses its own topic, which is then deleted.
 */

import type { Load } from './load.ts';
import type { OptionTable, OptionValues } from './options.ts';
import type { RunContext, RunListener } from './run-context.ts';
import { PLAIN } from './wire/link.ts';

/** At most; a fast server would fill its memory. */
const MESSAGES_MAX = 100_000;
const BATCH = 50;
const SIZE = 200;
const CONNECTIONS = 2;
const RDY = 2500;

/** How a load warms a server up: not at all, by itself for this long, or with messages through a channel. */
export type WarmUp<T extends OptionTable> =
  | 'none'
  | 'traffic'
  | ((values: OptionValues<T>, messagesMax: number, seconds: number) => OptionValues<T>);

/** Errors: rejects as the load does. */
export async function warmUp<T extends OptionTable>(
  load: Load<T>,
  context: RunContext,
  values: OptionValues<T>,
  seconds: number,
): Promise<void> {
  const way = load.warmUp ?? 'traffic';
  if (way === 'none' || seconds === 0) return;
  if (way !== 'traffic') {
    await load.run(context, way(values, MESSAGES_MAX, seconds));
    return;
  }
  // The null sink has no messages.
  if (context.target.role === 'null sink') return;
  const { address } = context.target;
  const around = { address, topics: [context.topic], layers: PLAIN, connections: CONNECTIONS };
  await context.measure('warming up', 'publishAndConsume', {
    publish: {
      ...{ ...around, batch: BATCH, size: SIZE, deferMs: 0, inFlight: 2, rate: 0 },
      ...{ messages: MESSAGES_MAX, seconds },
    },
    consume: { ...around, channels: ['warm'], rdy: RDY, finBatch: 0, requeueShare: 0 },
  });
}

/** The same run without its remarks: only the measured run has any. */
export function warmContext(context: RunContext, topic: string, listener: RunListener): RunContext {
  return context.withTopic(topic, {
    onProgress: (_, done) => listener.onProgress('warming up', done),
    onNote: () => undefined,
  });
}
