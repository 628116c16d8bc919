/**
 * What the loop of a pump thread is made of.
 *
 * Thread: pump.
 */

import type { Doorbell } from '../../shared/ring/doorbell.ts';
import type { RingReader } from '../../shared/ring/reader.ts';
import type { RingWriter } from '../../shared/ring/writer.ts';
import type { BacklogBounds } from './backend/write-backlog.ts';
import type { HandOverBounds } from './hand-over.ts';

/** The rings of a pump thread, and the options that matter to it. Times in ms. */
export type PumpLoopOptions = {
  readonly publishes: RingReader;
  readonly commands: RingReader;
  readonly deliveries: RingWriter;
  readonly mainBell: Doorbell;
  readonly disks: readonly { requests: RingWriter; replies: RingReader; bell: Doorbell }[];
  readonly nodeId: number;
  /** Units: above so many bytes of messages what can be on disk goes there. */
  readonly memoryBudgetBytes: number;
  /** What may be on its way to the disk; the usual without it. */
  readonly backlogBounds?: BacklogBounds;
  /** What a turn may hand from topics to channels; the usual without it. */
  readonly handOverBounds?: HandOverBounds;
  readonly maxMsgTimeoutMs: number;
  /** Percentiles of processing latency to keep, as quantiles; over which time; and the wall clock. */
  readonly latency: {
    readonly percentiles: readonly number[];
    readonly windowMs: number;
    readonly unixNs: () => number;
  };
  /** Random number from 0 to 1. */
  readonly random: () => number;
  /**
   * The time as it is when asked, for delays: the turn's own time is from before what it takes may have been
   * sent, and a message must not come early. Units: ms, monotonic.
   */
  readonly monotonicMs: () => number;
};
