/**
 * What runs the loops of a broker, as its main thread sees it: worker threads, or the main thread itself.
 *
 * Thread: main.
 */

import type { Pulse } from '../../shared/ring/pulse.ts';
import type { ThreadGauges } from './thread-gauges.ts';
import type { PumpMemory } from './thread-plan.ts';

export interface Threads {
  /** For each pump loop what main shares with it. */
  readonly pumps: readonly PumpMemory[];
  readonly mainBell: SharedArrayBuffer;
  /** For each disk loop whether it is in a turn. */
  readonly diskPulses: readonly Pulse[];
  /** What the loops count, and the rings between them and main. */
  readonly gauges: ThreadGauges;
  /** Resolves when the queues' files have everything that journals kept, with what there is to log about it. */
  readonly recovered: Promise<readonly string[]>;
  /** Resolves when every loop has ended; rejects when one has crashed. */
  readonly ended: Promise<void>;

  /** Whether a pump loop runs, and there is a disk loop left that may write what it holds. */
  canClose(pump: number): boolean;
  /** Ends what runs the loops, whatever they are doing. */
  destroy(): Promise<void>;
}
