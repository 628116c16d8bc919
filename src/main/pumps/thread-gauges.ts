/**
 * What main can see of the worker threads without asking them: the counters that each publishes, and how full the rings
 * between the threads are.
 *
 * Thread: main.
 */

import { BoardReader } from '../../shared/ring/board.ts';
import { RECORDS_OFFSET, usedBytes } from '../../shared/ring/ring.ts';
import type { DiskTask, PumpTask } from '../../shared/thread-tasks.ts';

/** A ring, by what it carries and the threads at its ends; main has no number. */
export type NamedRing = {
  readonly name: 'publish' | 'command' | 'deliver' | 'request' | 'reply';
  readonly pump: number;
  readonly disk: number | null;
  /** Units: bytes. */
  readonly capacity: number;
  readonly used: () => number;
};

export class ThreadGauges {
  /** One for each thread. */
  readonly pumps: readonly BoardReader[];
  readonly disks: readonly BoardReader[];
  readonly rings: readonly NamedRing[];

  constructor(pumpTasks: readonly PumpTask[], diskTasks: readonly DiskTask[]) {
    this.pumps = pumpTasks.map(({ meter }) => new BoardReader(meter));
    this.disks = diskTasks.map(({ meter }) => new BoardReader(meter));
    this.rings = pumpTasks.flatMap((task, pump) => [
      ring('publish', pump, null, task.publishes),
      ring('command', pump, null, task.commands),
      ring('deliver', pump, null, task.deliveries),
      ...task.disks.flatMap(({ requests, replies }, disk) => [
        ring('request', pump, disk, requests),
        ring('reply', pump, disk, replies),
      ]),
    ]);
  }
}

function ring(
  name: NamedRing['name'],
  pump: number,
  disk: number | null,
  memory: SharedArrayBuffer,
): NamedRing {
  const capacity = memory.byteLength - RECORDS_OFFSET;
  return { name, pump, disk, capacity, used: () => usedBytes(memory) };
}
