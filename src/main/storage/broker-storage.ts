/**
 * The broker's view of its storage: a data directory, or nothing.
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
  /** The reason that the storage is unhealthy, or null. */
  readonly failure: string | null;

  /** Prepares the storage. Errors: rejects if it cannot be used, with the remedy. */
  open(): Promise<void>;
  /** The saved topics. Errors: as `Metadata.load`. */
  load(): Promise<SavedTopic[]>;
  /** Saves what was loaded. Errors: rejects if the list of topics is not stored and never can be. */
  save(): Promise<void>;
  /** A log line: the location and contents. */
  describe(stats: BrokerStats): string;
  /** Stores everything. Resolves with the failure, or null. `queueError`: why a queue is unhealthy, or null. */
  close(pumps: readonly PumpHandle[], queueError: () => string | null): Promise<string | null>;
  stop(): void;
}
