/**
 * Copies a data directory, which a broker may be using, and leaves the copy as a clean shutdown leaves a directory, so
 * that RingMQ and nsqd open it.
 *
 * What is in files when the backup begins, and is not finished, is in the copy. The journals of a broker at work are
 * not copied: what they have is in the files as well, and only a power loss would show a difference.
 *
 * The copy has another name until it is whole.
 *
 * Bound: one queue at a time, and a few numbers for each. Thread: main; it blocks for one queue's files at a time.
 */

import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { type DataLock, DataPathInUse, lockDataPath } from '../../daemon/data-lock.ts';
import { makeDirectories } from '../../daemon/directories.ts';
import { Metadata, type SavedTopic } from '../../main/topics/metadata.ts';
import type { Clock } from '../../shared/clock.ts';
import { POLICIES_FILE, SEEN_FILE, SIDECAR_DIRECTORY } from '../../shared/data-files.ts';
import { errorText } from '../../shared/error-text.ts';
import type { DiskQueueOptions } from '../../workers/disk/disk-queue-options.ts';
import { type DiskLogLevel, LOG_ERROR } from '../../workers/disk/files/disk-log.ts';
import { DiskScratch } from '../../workers/disk/files/disk-scratch.ts';
import { NodeFileSystem } from '../../workers/disk/files/file-system.ts';
import { OpenFiles } from '../../workers/disk/files/open-files.ts';
import { SegmentIndex } from '../../workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../../workers/disk/files/sidecar-patience.ts';
import { recoverJournals } from '../../workers/disk/journal/journal-recovery.ts';
import { checkDirectory, type DirectoryReport } from '../directory-check.ts';
import type { Finding } from '../queue-check.ts';
import { copyFile } from './file-copy.ts';
import { QueueCopies } from './queue-copies.ts';

/** The dependencies of a backup. */
export type BackupSetup = {
  readonly dataPath: string;
  /** The directory that the backup makes; it must not exist. */
  readonly target: string;
  /** As the broker's `--max-msg-size`. */
  readonly maxMsgSize: number;
  readonly clock: Clock;
  /** Called with the queue that is copied and the bytes copied so far. */
  readonly onCopied: (queue: string, bytes: number) => void;
  /** The same for reading the copy. */
  readonly onRead: (queue: string, bytes: number) => void;
};

/** The check of the backup. Shape: `usedBy` is the process that was using the source. */
export type BackupReport = DirectoryReport & { readonly target: string };

const PARTIAL_SUFFIX = '.partial';
const METADATA_FILE = 'nsqd.dat';
const SIDECAR_MODE = 0o700;
const OPEN_FILES_MAX = 64;
const JOURNAL_NAME = /^journal\./;

/**
 * Makes the backup. Errors: rejects if the target exists, or if something cannot be read or written; then there is no
 * target.
 */
export async function backupDirectory(setup: BackupSetup): Promise<BackupReport> {
  const { dataPath, target } = setup;
  const partial = `${target}${PARTIAL_SUFFIX}`;
  for (const path of [target, partial]) {
    if (existsSync(path)) throw new Error(`${path} exists already`);
  }
  if (target.startsWith(dataPath + sep)) {
    throw new Error(`${target} is inside the directory that it would copy`);
  }
  const { lock, usedBy } = await lockOf(dataPath);
  try {
    await makeDirectories(join(partial, SIDECAR_DIRECTORY), SIDECAR_MODE);
    try {
      const report = await new DirectoryBackup({ ...setup, target: partial }, usedBy).run();
      renameSync(partial, target);
      new NodeFileSystem().syncDirectory(dirname(target));
      return { ...report, target };
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw error;
    }
  } finally {
    await lock?.release();
  }
}

/** Keeps brokers from starting in the source meanwhile, if none is running. */
async function lockOf(
  dataPath: string,
): Promise<{ lock: DataLock | undefined; usedBy: string | null }> {
  try {
    return { lock: await lockDataPath(dataPath, () => undefined), usedBy: null };
  } catch (error) {
    if (error instanceof DataPathInUse) return { lock: undefined, usedBy: errorText(error) };
    throw error;
  }
}

class DirectoryBackup {
  readonly #setup: BackupSetup;
  readonly #usedBy: string | null;
  readonly #fileSystem = new NodeFileSystem();
  readonly #target: DiskQueueOptions;
  readonly #copies: QueueCopies;
  readonly #findings: Finding[] = [];

  constructor(setup: BackupSetup, usedBy: string | null) {
    this.#setup = setup;
    this.#usedBy = usedBy;
    const { target: dataPath, maxMsgSize } = setup;
    this.#target = {
      ...{ fileSystem: this.#fileSystem, dataPath, maxMsgSize },
      openFiles: new OpenFiles(this.#fileSystem, OPEN_FILES_MAX, new DiskScratch()),
      index: new SegmentIndex(this.#fileSystem, dataPath),
      patience: new SidecarPatience(),
      maxBytesPerFile: Number.MAX_SAFE_INTEGER,
      syncEvery: Number.MAX_SAFE_INTEGER,
    };
    this.#copies = new QueueCopies({
      ...{ fileSystem: this.#fileSystem, dataPath: setup.dataPath },
      ...{ target: this.#target, isLive: usedBy !== null, onCopied: setup.onCopied },
    });
  }

  async run(): Promise<DirectoryReport> {
    const isLive = this.#usedBy !== null;
    const before = isLive ? await this.#topicsOf(this.#setup.dataPath) : [];
    this.#copies.run();
    this.#copyOthers();
    if (isLive) this.#dropDeleted(before, await this.#topicsOf(this.#setup.target));
    this.#settle();
    this.#fileSystem.syncDirectory(join(this.#setup.target, SIDECAR_DIRECTORY));
    this.#fileSystem.syncDirectory(this.#setup.target);
    return await this.#check();
  }

  #copyOthers(): void {
    const { dataPath, target } = this.#setup;
    const sidecars = join(dataPath, SIDECAR_DIRECTORY);
    const names = existsSync(sidecars) ? this.#fileSystem.list(sidecars) : [];
    const journals = this.#usedBy === null ? names.filter((name) => JOURNAL_NAME.test(name)) : [];
    const kept = [POLICIES_FILE, SEEN_FILE, ...journals].map((name) =>
      join(SIDECAR_DIRECTORY, name),
    );
    for (const name of [METADATA_FILE, ...kept]) {
      copyFile(this.#fileSystem, join(dataPath, name), join(target, name));
    }
  }

  async #topicsOf(dataPath: string): Promise<SavedTopic[]> {
    const ignore = (): void => undefined;
    const logger = { info: ignore, warn: ignore, error: ignore };
    const { clock } = this.#setup;
    return await new Metadata({ dataPath, clock, logger, source: () => [] })
      .load()
      // The check of the copy reports what is wrong with it.
      .catch(() => []);
  }

  /** A queue that was deleted meanwhile would remain in the copy without its name in nsqd.dat. */
  #dropDeleted(before: readonly SavedTopic[], after: readonly SavedTopic[]): void {
    // An unreadable list does not tell which queues were deleted.
    if (after.length === 0) return;
    const left = new Set(after.flatMap(queuesOf));
    for (const name of before.flatMap(queuesOf)) {
      if (!left.has(name)) this.#copies.drop(name);
    }
  }

  /** Brings the copy into the state after a start and a clean shutdown. */
  #settle(): void {
    const log = (level: DiskLogLevel, text: string): void => {
      if (level !== LOG_ERROR) return;
      this.#findings.push({ kind: 'damage', file: null, position: null, text });
    };
    if (this.#usedBy === null) {
      recoverJournals({ fileSystem: this.#fileSystem, dataPath: this.#setup.target, log });
    }
    this.#copies.settle(log);
  }

  async #check(): Promise<DirectoryReport> {
    const { target: dataPath, maxMsgSize, clock, onRead: onProgress } = this.#setup;
    const report = await checkDirectory({ dataPath, maxMsgSize, clock, onProgress });
    const findings = [...this.#findings, ...report.findings];
    const isDamaged = report.verdict === 'whole' && this.#findings.length > 0;
    const verdict = isDamaged ? 'damaged' : report.verdict;
    return { ...report, usedBy: this.#usedBy, findings, verdict };
  }
}

function queuesOf({ name, channels }: SavedTopic): string[] {
  return [name, ...channels.map((channel) => `${name}:${channel.name}`)];
}
