/**
 * Where a broker keeps what outlives its messages in memory, as the broker sees it: a data directory, or nothing.
 *
 * Thread: main.
 */

import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { BrokerStats } from '../stats/stats.ts';
import type { Metadata, SavedTopic } from '../topics/metadata.ts';
import type { SeenMessages } from './seen-messages.ts';

export interface BrokerStorage {
  readonly metadata: Metadata;
  readonly seen: SeenMessages;
  /** Why it is not well, or null. */
  readonly failure: string | null;

  /** Makes it ready. Errors: rejects when it cannot be used, with what to do about it. */
  open(): Promise<void>;
  /** The topics that are to be there. Errors: as `Metadata.load`. */
  load(): Promise<SavedTopic[]>;
  /** Saves what was loaded. Errors: rejects when the list of topics is not kept and never will be. */
  save(): Promise<void>;
  /** A line for the log on where it is and what it holds. */
  describe(stats: BrokerStats): string;
  /** Stores everything. Resolves with what went wrong, or null. `queueError`: why a queue is not well, or null. */
  close(pumps: readonly PumpHandle[], queueError: () => string | null): Promise<string | null>;
  stop(): void;
}
