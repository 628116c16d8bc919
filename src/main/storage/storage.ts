/**
 * The data directory as main sees it: made ready under the lock before anything is loaded, watched while the broker
 * runs, and closed with everything in it.
 *
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import type { TextFiles } from '../../daemon/text-files.ts';
import type { Clock } from '../../shared/clock.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { BrokerStats } from '../stats/stats.ts';
import { Metadata, type MetadataSource, type SavedTopic } from '../topics/metadata.ts';
import type { BrokerStorage } from './broker-storage.ts';
import { type DiskCaller, HangWatch } from './hang-watch.ts';
import { adopt, describeOrphans, findOrphans } from './orphans.ts';
import { checkRights } from './rights.ts';
import { SeenMessages } from './seen-messages.ts';
import { foundText, storedFiles } from './start-report.ts';
import { closeStorage } from './storage-closing.ts';
import { removeTemporaryFiles } from './temporary-files.ts';
import { WriteProbe } from './write-probe.ts';

/** Its dependencies. */
export type StorageSetup = {
  readonly dataPath: string;
  readonly textFiles: TextFiles;
  /** `--adopt-orphans`. */
  readonly adoptOrphans: boolean;
  /** `--sync-timeout`. */
  readonly syncTimeoutMs: number;
  /** What nsqd.dat is made from. */
  readonly topics: () => MetadataSource;
  /** Who else calls the disk. */
  readonly callers: readonly DiskCaller[];
  /** Other files that are saved when something changes: why the last save failed, or null. */
  readonly files: readonly { readonly failure: string | null }[];
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Told why durable topics take no publishes, and null once they do. */
  readonly onRefusal: (refusal: string | null) => void;
};

/** How long a call of the disk may take: as long as messages wait for a sync, within these bounds. Units: ms. */
const PATIENCE_MS_MIN = 2000;
const PATIENCE_MS_MAX = 10_000;

export class Storage implements BrokerStorage {
  readonly metadata: Metadata;
  readonly seen: SeenMessages;

  readonly #setup: StorageSetup;
  readonly #probe: WriteProbe;
  readonly #watch: HangWatch;
  /** Why nothing can be written to the directory; null if writing works. */
  #readOnly: string | null = null;

  constructor(setup: StorageSetup) {
    this.#setup = setup;
    this.metadata = new Metadata({ ...setup, source: setup.topics });
    this.seen = new SeenMessages(setup);
    this.#probe = new WriteProbe(setup);
    const patienceMs = Math.min(Math.max(setup.syncTimeoutMs, PATIENCE_MS_MIN), PATIENCE_MS_MAX);
    this.#watch = new HangWatch({
      ...setup,
      callers: [...setup.callers, this.metadata, this.seen],
      patienceMs,
    });
  }

  /** Why the directory is not well, or null. */
  get failure(): string | null {
    const { files } = this.#setup;
    const failed = files.find(({ failure }) => failure !== null);
    return this.metadata.failure ?? failed?.failure ?? this.#watch.failure;
  }

  /** Makes the directory ready. Errors: rejects when it cannot be used, with what to do about it. */
  async open(): Promise<void> {
    const { dataPath, logger } = this.#setup;
    this.#readOnly = checkRights(dataPath);
    if (this.#readOnly === null) removeTemporaryFiles(dataPath, (text) => logger.warn(text));
    await this.#probe.start();
    this.#watch.start();
  }

  /** The topics that were saved, and those that were not and are adopted. Errors: as `Metadata.load`. */
  async load(): Promise<SavedTopic[]> {
    const { dataPath, adoptOrphans, logger } = this.#setup;
    const saved = await this.metadata.load();
    const orphans = findOrphans(dataPath, saved);
    if (orphans.length === 0) return saved;
    const found = describeOrphans(orphans);
    if (adoptOrphans) {
      logger.warn(`nsqd.dat did not name ${found}; they are adopted`);
      return adopt(saved, orphans);
    }
    logger.warn(`nsqd.dat does not name ${found}; --adopt-orphans has them delivered`);
    return saved;
  }

  /**
   * Saves what was loaded, if it has changed. A disk that is full may have room later; a directory that cannot be
   * written at all has none.
   *
   * Errors: rejects when the list of topics is not on disk and never will be.
   */
  async save(): Promise<void> {
    try {
      await this.metadata.save();
    } catch (error) {
      if (this.#readOnly !== null) throw error;
    }
  }

  /** Brings everything to disk. Resolves with what went wrong, or null. `queueError`: why a disk queue is not well. */
  close(pumps: readonly PumpHandle[], queueError: () => string | null): Promise<string | null> {
    const { metadata, seen } = this;
    const { clock } = this.#setup;
    return closeStorage({
      pumps,
      metadata,
      seen,
      clock,
      queueError,
      hang: () => {
        const { failure: text, stuckMs: ms } = this.#watch;
        return text === null ? null : { text, ms };
      },
    });
  }

  /** The data directory, and what is in it. */
  describe(stats: BrokerStats): string {
    const { dataPath } = this.#setup;
    return foundText(`data path ${dataPath}`, stats, storedFiles(dataPath));
  }

  stop(): void {
    this.#probe.stop();
    this.#watch.stop();
    this.metadata.stop();
  }
}
