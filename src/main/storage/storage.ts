/**
 * The data directory as the main thread uses it: prepared under the lock before anything is loaded, watched while the
 * broker runs, and closed with its contents.
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

/** The dependencies of the storage. */
export type StorageSetup = {
  readonly dataPath: string;
  readonly textFiles: TextFiles;
  /** `--adopt-orphans`. */
  readonly adoptOrphans: boolean;
  /** `--sync-timeout`. */
  readonly syncTimeoutMs: number;
  /** The source of nsqd.dat. */
  readonly topics: () => MetadataSource;
  /** The other callers of the disk. */
  readonly callers: readonly DiskCaller[];
  /** Why the last save of another file that is saved on change failed, or null. */
  readonly files: readonly { readonly failure: string | null }[];
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Called with the reason that durable topics refuse publishes, and with null when they accept them again. */
  readonly onRefusal: (refusal: string | null) => void;
};

/** The bounds on the patience with a call to the disk, which otherwise equals the sync timeout. Units: ms. */
const PATIENCE_MS_MIN = 2000;
const PATIENCE_MS_MAX = 10_000;

export class Storage implements BrokerStorage {
  readonly metadata: Metadata;
  readonly seen: SeenMessages;

  readonly #setup: StorageSetup;
  readonly #probe: WriteProbe;
  readonly #watch: HangWatch;
  /** Why nothing can be written to the directory; null if it is writable. */
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

  /** Why the directory is unhealthy, or null. */
  get failure(): string | null {
    const { files } = this.#setup;
    const failed = files.find(({ failure }) => failure !== null);
    return this.metadata.failure ?? failed?.failure ?? this.#watch.failure;
  }

  /** Prepares the directory. Errors: rejects if it cannot be used, with the remedy. */
  async open(): Promise<void> {
    const { dataPath, logger } = this.#setup;
    this.#readOnly = checkRights(dataPath);
    if (this.#readOnly === null) removeTemporaryFiles(dataPath, (text) => logger.warn(text));
    await this.#probe.start();
    this.#watch.start();
  }

  /** The saved topics, and the adopted orphans. Errors: as `Metadata.load`. */
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
    logger.warn(`nsqd.dat does not name ${found}; --adopt-orphans delivers them`);
    return saved;
  }

  /**
   * Saves what was loaded if it has changed. A full disk may have room later; a directory that cannot be written never
   * has.
   *
   * Errors: rejects if the list of topics is not on disk and never can be.
   */
  async save(): Promise<void> {
    try {
      await this.metadata.save();
    } catch (error) {
      if (this.#readOnly !== null) throw error;
    }
  }

  /**
   * Writes everything to disk. Resolves with the failure, or null. `queueError`: why a disk queue is unhealthy, or
   * null.
   */
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

  /** The data directory and its contents. */
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
