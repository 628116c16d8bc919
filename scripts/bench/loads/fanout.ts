/** `fanout`: one topic with many channels. */

import { setTimeout as delay } from 'node:timers/promises';
import { type Load, subcommand } from '../load.ts';
import { count, toggle } from '../options.ts';
import { figuresOf, peakOf, type RunContext } from '../run-context.ts';
import { channelDepths } from '../server-queries.ts';
import {
  BATCH_OPTIONS,
  END_OPTIONS,
  endOf,
  needsFor,
  PUBLISHER_OPTIONS,
  plainConsuming,
  plainPublishing,
} from './traffic-options.ts';

/** The interval between two queries of the statistics. */
const LOOK_MS = 5;
/** Copies that have not arrived by then are missing. */
const STALL_MS = 30_000;

const OPTIONS = {
  channels: count(10, 1, 'channels of the topic'),
  consume: toggle('consumes all copies meanwhile; without it they are held'),
  ...END_OPTIONS,
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
  consumers: count(1, 1, 'with --consume, consumers of each channel'),
  rdy: count(2500, 1, 'with --consume, RDY of each consumer'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'fanout',
  unit: 'msg',
  summary: 'publish to many channels; consume or keep all copies',
  about: `The rate counts published messages; each has a copy in every channel. The run ends when the last
copy is consumed. Without --consume it ends when the server's statistics show all copies in their
channels; copies are not counted if the server has no HTTP.`,
  examples: ['', '--channels 3 --consume --messages 500k', '--channels 100 --messages 100k'],
  options: OPTIONS,
  check: () => undefined,
  needs: (values) => needsFor(endOf(values).messages, null),
  sink: () => 'the null sink has no channels',
  run: async (context, values) => {
    const { address } = context.target;
    const topics = [context.topic];
    const channels = Array.from({ length: values.channels }, (_, index) => `channel${index}`);
    const publish = {
      ...plainPublishing(values),
      ...endOf(values),
      address,
      topics,
    };
    if (values.consume) {
      const consume = {
        ...plainConsuming({ connections: values.consumers, rdy: values.rdy }),
        address,
        topics,
        channels,
      };
      const order = { publish, consume };
      const measured = await context.measure(
        'publishing to all channels',
        'publishAndConsume',
        order,
      );
      return { ...figuresOf(measured), ...peakOf(context.target) };
    }
    await context.measure('making channels', 'makeChannels', { address, topics, channels });
    const measured = await context.measure('publishing to all channels', 'publish', publish);
    const { count: messages, elapsedMs } = measured.outcome;
    const heldMs = await untilHeld(context, channels.length, messages);
    const copies = messages * channels.length;
    return {
      ...figuresOf(measured),
      ...(heldMs === null ? {} : { copyRate: (copies * 1000) / (elapsedMs + heldMs) }),
      ...peakOf(context.target),
    };
  },
};

/**
 * Waits until every channel has every message. Resolves with the time that took, or with null if the statistics are not
 * available, as from a server without HTTP.
 * Units: ms.
 * Errors: rejects if no more copies arrive.
 */
async function untilHeld(
  context: RunContext,
  channels: number,
  messages: number,
): Promise<number | null> {
  const startMs = performance.now();
  let most = 0;
  let lastMs = startMs;
  for (;;) {
    const depths = await depthsOf(context);
    const nowMs = performance.now();
    if (depths === null) return null;
    if (depths.filter((depth) => depth >= messages).length === channels) return nowMs - startMs;
    const copies = depths.reduce((sum, depth) => sum + depth, 0);
    if (copies > most) {
      most = copies;
      lastMs = nowMs;
    } else if (nowMs - lastMs > STALL_MS) {
      throw new Error(
        `${most} of ${channels * messages} copies are held, and no more have come for ${STALL_MS / 1000} s`,
      );
    }
    context.tell('waiting for all copies', most);
    await delay(LOOK_MS);
  }
}

/** Null, and a note, if they are not available. */
async function depthsOf(context: RunContext): Promise<number[] | null> {
  try {
    return await channelDepths(context.target.httpAddress, context.topic);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.note(
      `copies are not counted, because the server does not say how many it holds (${why})`,
    );
    return null;
  }
}

export const FANOUT = subcommand(LOAD);
