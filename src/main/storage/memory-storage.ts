/**
 * The storage of a broker that leaves nothing behind. No other process can have its data, nothing can hang, and there
 * is nothing to find at the start.
 *
 * Thread: main.
 */

import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { BrokerStats } from '../stats/stats.ts';
import { Metadata, type SavedTopic } from '../topics/metadata.ts';
import type { BrokerStorage } from './broker-storage.ts';
import { SeenMessages } from './seen-messages.ts';
import { foundText } from './start-report.ts';
import type { StorageSetup } from './storage.ts';
import { closeStorage } from './storage-closing.ts';

const NO_FILES = { count: 0, bytes: 0, sinceMs: Number.POSITIVE_INFINITY };

export class MemoryStorage implements BrokerStorage {
  readonly metadata: Metadata;
  readonly seen: SeenMessages;
  readonly failure = null;

  readonly #setup: StorageSetup;

  constructor(setup: StorageSetup) {
    this.#setup = setup;
    this.metadata = new Metadata({ ...setup, source: setup.topics });
    this.seen = new SeenMessages(setup);
  }

  async open(): Promise<void> {
    // There is nothing to prepare.
  }

  async load(): Promise<SavedTopic[]> {
    return [];
  }

  async save(): Promise<void> {
    // There is nothing to save.
  }

  describe(stats: BrokerStats): string {
    return foundText('in memory', stats, NO_FILES);
  }

  close(pumps: readonly PumpHandle[], queueError: () => string | null): Promise<string | null> {
    const { clock } = this.#setup;
    return closeStorage({
      pumps,
      metadata: this.metadata,
      seen: this.seen,
      clock,
      queueError,
      // Memory always answers.
      hang: () => null,
    });
  }

  stop(): void {
    this.metadata.stop();
  }
}
