/**
 * The dependencies of a pump thread's loop.
 *
 * Thread: pump.
 */

import type { Doorbell } from '../../shared/ring/doorbell.ts';
import type { RingReader, RingWriter } from '../../shared/ring/ring.ts';
import type { BacklogBounds } from './backend/write-backlog.ts';
import type { FanOutBounds } from './fan-out.ts';
import type { PumpMeter } from './pump-meter.ts';

/** The rings of a pump thread, and its options. Times in ms. */
export type PumpLoopOptions = {
  readonly publishes: RingReader;
  readonly commands: RingReader;
  readonly deliveries: RingWriter;
  readonly mainBell: Doorbell;
  readonly disks: readonly { requests: RingWriter; replies: RingReader; bell: Doorbell }[];
  /** The rings to the stream thread, if there is one. */
  readonly streams: { requests: RingWriter; replies: RingReader; bell: Doorbell } | null;
  readonly nodeId: number;
  /** Bytes of messages above which messages that can be on disk go there. */
  readonly memoryBudgetBytes: number;
  /** Limits of what may be on its way to the disk; the defaults if missing. */
  readonly backlogBounds?: BacklogBounds;
  /** Limits of what a turn may hand from topics to channels; the defaults if missing. */
  readonly fanOutBounds?: FanOutBounds;
  readonly maxMsgTimeoutMs: number;
  /** The quantiles of the processing latency to keep, the window, and the wall clock. */
  readonly latency: {
    readonly percentiles: readonly number[];
    readonly windowMs: number;
    readonly unixNs: () => number;
  };
  /** Counts what the loop does. */
  readonly meter: PumpMeter;
  /** Random number from 0 to 1. */
  readonly random: () => number;
  /**
   * The current time, for delays: the turn's own time may be earlier than the publishes that it handles, and a
   * message must not be delivered early. Units: ms, monotonic.
   */
  readonly monotonicMs: () => number;
};
