/**
 * A small file that is replaced atomically when its contents change: the new text is written to a temporary file,
 * synced and renamed, and the directory is synced. A crash at any moment leaves the old file or the new one.
 *
 * An unchanged file is not written again, so a full or read-only disk does not matter then. A failed save is retried
 * every second until it succeeds.
 *
 * Thread: main. Source: nsqd `PersistMetadata`, which does not retry.
 */

import path from 'node:path';
import { rethrowBug } from '../shared/assert.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import { errorText } from '../shared/error-text.ts';
import type { Logger } from './log.ts';
import { resultInSlices } from './slices.ts';
import { systemErrorText } from './system-error.ts';
import { DISK_FILES, type TextFiles } from './text-files.ts';

/** Delay between a failed save and the retry. */
const RETRY_MS = 1000;

/** Its dependencies. */
export type SavedFileSetup = {
  readonly path: string;
  /** Where it is kept: on disk if not given. */
  readonly textFiles?: TextFiles | undefined;
  /** The name of the contents in log lines and errors. */
  readonly title: string;
  /** Logged before the file is written, if defined. */
  readonly announcement?: string;
  /**
   * Builds the file's text, in slices. A change during that may or may not be in this text, but it is in the next.
   */
  readonly text: () => Iterator<void, string>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'error'>;
};

export class SavedFile {
  readonly #setup: SavedFileSetup;
  readonly #files: TextFiles;
  /** The running save, and the one that follows it. */
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  /** The known contents of the file. */
  #text: string | undefined;
  #failure: string | null = null;
  /** Set while a retry is scheduled. */
  #retry: Timer | null = null;
  #isStopped = false;
  /** Incremented when a save begins and when it ends. */
  #count = 0;

  constructor(setup: SavedFileSetup) {
    this.#setup = setup;
    this.#files = setup.textFiles ?? DISK_FILES;
  }

  get path(): string {
    return this.#setup.path;
  }

  /** Odd while a save is running. */
  count(): number {
    return this.#count;
  }

  /** The reason why the last save failed; null if it succeeded. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Reads the file; undefined if it does not exist. Errors: rejects when it cannot be read. */
  async load(): Promise<string | undefined> {
    const text = await this.#read();
    this.#text = text;
    return text;
  }

  /**
   * Writes the file with all changes so far. Calls during a running save share the next one.
   * Errors: rejects if the file cannot be written; the old file is then intact, and the save is retried later.
   */
  save(): Promise<void> {
    // Checked first: between two saves there is a moment when none runs but one is due.
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    this.#next = this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  /** As `save`, but retries until the file is written. Never rejects. */
  async persist(): Promise<void> {
    for (;;) {
      const error = await this.save().then(() => null, errorText);
      if (error === null || this.#isStopped) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#setup.clock.after(RETRY_MS, resolve);
      await promise;
    }
  }

  /** Stops retrying. */
  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  #start(): Promise<void> {
    this.#next = null;
    this.#count++;
    const running = this.#saveOnce().finally(() => {
      this.#count++;
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  async #saveOnce(): Promise<void> {
    const { path: file, title, logger } = this.#setup;
    this.#retry?.cancel();
    this.#retry = null;
    try {
      const text = await resultInSlices(this.#setup.text());
      if (await this.#isOnDisk(text)) await this.#files.syncDirectory(path.dirname(file));
      else await this.#write(text);
      this.#text = text;
    } catch (cause) {
      rethrowBug(cause);
      const failure = `failed to persist ${title} to ${file} - ${errorText(cause)}`;
      this.#onFailed(failure);
      throw new Error(failure, { cause });
    }
    if (this.#failure !== null) logger.info(`${title} is persisted to ${file}`);
    this.#failure = null;
  }

  #onFailed(failure: string): void {
    this.#text = undefined;
    if (this.#failure === null) this.#setup.logger.error(`${failure}, trying again`);
    this.#failure = failure;
    if (this.#isStopped) return;
    this.#retry = this.#setup.clock.after(RETRY_MS, () => {
      // `save` logs a failure and keeps it for `failure`.
      this.save().catch(errorText);
    });
  }

  /** Whether the file on disk has this text; it may have been removed since it was read or written. */
  async #isOnDisk(text: string): Promise<boolean> {
    if (text !== this.#text) return false;
    // An unreadable file is written again.
    return text === (await this.#read().catch(() => undefined));
  }

  async #read(): Promise<string | undefined> {
    const { path: file, title } = this.#setup;
    try {
      return await this.#files.read(file);
    } catch (cause) {
      throw new Error(`failed to read ${title} from ${file} - ${systemErrorText(cause)}`, {
        cause,
      });
    }
  }

  async #write(text: string): Promise<void> {
    const { path: target, announcement, logger } = this.#setup;
    if (this.#failure === null && announcement !== undefined) logger.info(announcement);
    await this.#files.replace(target, text);
  }
}
