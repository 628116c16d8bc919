/**
 * The counters of the broker as a whole, independent of formats, beside the statistics of its topics and channels.
 *
 * Thread: any.
 */

import type { Durations } from '../../shared/thread-meter.ts';
import type { VolumeSpace } from '../limits/disk-space.ts';

/** Units: bytes, and seconds for times; some times are Unix seconds, as noted. */
export type NodeStatistics = {
  /** Unix time. */
  readonly startTime: number;
  readonly isHealthy: boolean;
  readonly isReady: boolean;
  readonly isDraining: boolean;
  /** Whether the store of replicated topics is available; null without one. */
  readonly isStoreThere: boolean | null;
  /** How many times a channel in it has stalled; null without one. */
  readonly storeStalls: number | null;
  readonly connections: {
    readonly tcp: number;
    readonly http: number;
    readonly max: number;
    readonly refused: number;
  };
  readonly failedInputs: number;
  readonly commands: readonly (readonly [name: string, count: number])[];
  readonly received: number;
  readonly sent: number;
  /** By the class of their status, such as `2xx`. */
  readonly httpAnswers: readonly (readonly [name: string, count: number])[];
  readonly acknowledgement: Durations;
  readonly publishToDeliver: Durations;
  readonly deliverToFinish: Durations;
  readonly sync: Durations;
  readonly loopDelay: Durations;
  readonly threads: readonly ThreadStatistics[];
  readonly rings: readonly RingStatistics[];
  /** Garbage collections of main. */
  readonly collections: readonly CollectionStatistics[];
  readonly memory: {
    readonly resident: number;
    /** Null without a bound. */
    readonly limit: number | null;
    /** Memory of main outside its heap. */
    readonly external: number;
    readonly buffers: number;
    /** The memory of the messages in the pumps, and its bound or null. */
    readonly messages: number;
    readonly messagesLimit: number | null;
  };
  readonly cpu: number;
  readonly disk: {
    readonly read: number;
    readonly written: number;
    /** Null if it is not watched, because there is no bound, or if the system does not report it. */
    readonly volume: VolumeSpace | null;
  };
};

/** A thread; `busy` is the time that it was not parked, or, for main, not waiting for events. */
export type ThreadStatistics = {
  readonly name: string;
  readonly busy: number;
  readonly turns: number;
  readonly heapUsed: number;
  readonly heapLimit: number;
};

/** A ring; `disk` is null for those between main and a pump. */
export type RingStatistics = {
  readonly name: string;
  readonly pump: number;
  readonly disk: number | null;
  readonly used: number;
  readonly capacity: number;
};

/** Collections of one kind. */
export type CollectionStatistics = {
  readonly kind: 'minor' | 'major' | 'incremental' | 'weakcb';
  readonly count: number;
  readonly seconds: number;
};
