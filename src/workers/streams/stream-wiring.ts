/**
 * Connects a stream loop to the rings of its task.
 *
 * Thread: stream.
 */

import { Doorbell } from '../../shared/ring/doorbell.ts';
import { RingReader, RingWriter } from '../../shared/ring/ring.ts';
import type { StreamTask } from '../../shared/thread-tasks.ts';
import { StreamLoop } from './stream-loop.ts';
import type { StreamClock } from './stream-queue.ts';
import type { StreamStore } from './stream-store.ts';

/** Creates a loop; `wake` makes sure that another turn follows. */
export function wireStreamLoop(
  task: Pick<StreamTask, 'pumps'>,
  store: StreamStore,
  clock: StreamClock,
  wake: () => void,
): StreamLoop {
  const links = task.pumps.map((pump) => ({
    requests: new RingReader(pump.requests),
    replies: new RingWriter(pump.replies),
    bell: new Doorbell(pump.bell),
  }));
  return new StreamLoop(links, store, clock, wake);
}
