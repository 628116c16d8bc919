/**
 * Plans the threads: the memory that they share and the task of each. Every pump thread has rings to main and to each
 * disk thread. The broker, the simulator and the tests run the planned threads in different ways.
 *
 * Thread: main.
 */

import { allocateDoorbell } from '../../shared/ring/doorbell.ts';
import { allocatePulse } from '../../shared/ring/pulse.ts';
import { allocateRing } from '../../shared/ring/ring.ts';
import { allocateMeter } from '../../shared/thread-meter.ts';
import type {
  DiskSettings,
  DiskTask,
  PumpSettings,
  PumpTask,
  StreamSettings,
  StreamTask,
} from '../../shared/thread-tasks.ts';
import type { RingSizes } from './ring-sizes.ts';

/** Memory that main shares with one pump thread. */
export type PumpMemory = Pick<PumpTask, 'bell' | 'publishes' | 'commands' | 'deliveries'>;

/** The number of threads, the sizes of their rings, and their options. */
export type ThreadSetup = {
  readonly pumpCount: number;
  readonly diskCount: number;
  readonly sizes: RingSizes;
  readonly pump: PumpSettings;
  readonly disk: DiskSettings;
  /** Null without a store of replicated topics. */
  readonly stream: StreamSettings | null;
};

export type ThreadPlan = {
  readonly mainBell: SharedArrayBuffer;
  readonly pumpTasks: readonly PumpTask[];
  readonly diskTasks: readonly DiskTask[];
  /** Null without a store of replicated topics. */
  readonly streamTask: StreamTask | null;
};

/** Allocates all rings and doorbells. */
export function planThreads(setup: ThreadSetup): ThreadPlan {
  const { pumpCount, diskCount, sizes, pump, disk, stream } = setup;
  const mainBell = allocateDoorbell();
  const pumpMemories = Array.from({ length: pumpCount }, () => pumpMemory(sizes));
  const diskBells = Array.from({ length: diskCount }, allocateDoorbell);
  const makeLink = (): { requests: SharedArrayBuffer; replies: SharedArrayBuffer } => ({
    requests: allocateRing(sizes.requests),
    replies: allocateRing(sizes.replies),
  });
  const links = pumpMemories.map(() => diskBells.map(makeLink));
  const streamBell = allocateDoorbell();
  const streamLinks = stream === null ? [] : pumpMemories.map(makeLink);
  return {
    mainBell,
    pumpTasks: pumpMemories.map((memory, p) => ({
      ...pump,
      ...memory,
      meter: allocateMeter(),
      mainBell,
      disks: links[p].map((link, d) => ({ ...link, bell: diskBells[d] })),
      streams: stream === null ? null : { ...streamLinks[p], bell: streamBell },
    })),
    diskTasks: diskBells.map((bell, d) => ({
      ...disk,
      meter: allocateMeter(),
      thread: d,
      bell,
      pulse: allocatePulse(),
      pumps: links.map((ofPump, p) => ({ ...ofPump[d], bell: pumpMemories[p].bell })),
    })),
    streamTask:
      stream === null
        ? null
        : {
            ...stream,
            meter: allocateMeter(),
            bell: streamBell,
            pumps: streamLinks.map((link, p) => ({ ...link, bell: pumpMemories[p].bell })),
          },
  };
}

/** Allocates the rings between main and one pump thread. */
export function pumpMemory(
  sizes: Pick<RingSizes, 'publishes' | 'commands' | 'deliveries'>,
): PumpMemory {
  return {
    bell: allocateDoorbell(),
    publishes: allocateRing(sizes.publishes),
    commands: allocateRing(sizes.commands),
    deliveries: allocateRing(sizes.deliveries),
  };
}
