/**
 * What runs the loops of a broker, as its main thread sees it: worker threads, or the main thread itself.
 *
 * Thread: main.
 */

import type { Pulse } from '../../shared/ring/pulse.ts';
import type { ThreadGauges } from './thread-gauges.ts';
import type { PumpMemory } from './thread-plan.ts';

export interface Threads {
  /** The memory that main shares with each pump loop. */
  readonly pumps: readonly PumpMemory[];
  readonly mainBell: SharedArrayBuffer;
  /** For each disk loop whether it is in a turn. */
  readonly diskPulses: readonly Pulse[];
  /** The counters of the loops, and the rings between them and main. */
  readonly gauges: ThreadGauges;
  /** Resolves when the queues' files have everything from the journals, with the lines to log about it. */
  readonly recovered: Promise<readonly string[]>;
  /** Resolves when every loop has ended; rejects when one has crashed. */
  readonly ended: Promise<void>;

  /** Whether a pump loop is running, and a disk loop that can write its messages. */
  canClose(pump: number): boolean;
  /** Ends what runs the loops, whatever they are doing. */
  destroy(): Promise<void>;
}
