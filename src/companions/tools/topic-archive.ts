/**
 * Archives the messages of one topic: each is written, then synced, then finished.
 *
 * Messages wait in portions, one for each file name; a portion's promise resolves when its bytes are on the disk. Syncs
 * are shared: one happens when the source waits for messages to be finished, at each interval, at a rotation, and at
 * the end.
 *
 * Bound: as many messages as may be unanswered. Thread: main.
 * Source: nsq_to_file `FileLogger.router`. Differs in receiving messages during a sync.
 */

import type { FileNames } from './file-name.ts';
import type { OutputFile } from './output-file.ts';
import { pushRecord, type Recorded, type RecordFormat } from './record-format.ts';

/** Messages for a file. */
type Portion = {
  readonly name: string;
  readonly messages: Recorded[];
  readonly synced: PromiseWithResolvers<void>;
};

/** How a topic is archived. */
export type ArchiveSetup = {
  readonly file: OutputFile;
  readonly names: FileNames;
  readonly format: RecordFormat;
  readonly skipsEmptyFiles: boolean;
  /** Units: ms since 1970. */
  readonly unixMs: () => number;
  /** Whether no message will come until some are finished, given the number of unfinished ones. */
  readonly isStarved: (unfinishedCount: number) => boolean;
  readonly onSynced: (count: number) => void;
};

export class TopicArchive {
  /** Rejects if a file cannot be written. Unfinished messages are redelivered. */
  readonly failed: Promise<never>;

  readonly #setup: ArchiveSetup;
  readonly #onFailure: (error: unknown) => void;
  readonly #waiting: Portion[] = [];
  /** Written, not synced. */
  #written: Portion[] = [];
  #unfinishedCount = 0;
  #isSyncDue = false;
  #isCloseDue = false;
  #isTickDue = false;
  #isEnding = false;
  #working: Promise<void> | null = null;

  constructor(setup: ArchiveSetup) {
    this.#setup = setup;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#onFailure = reject;
  }

  /** Takes a message. Resolves when it is on the disk. */
  append(message: Recorded): Promise<void> {
    const name = this.#setup.names.at(this.#setup.unixMs());
    let portion = this.#waiting.at(-1);
    if (portion?.name !== name) {
      portion = { name, messages: [], synced: Promise.withResolvers() };
      this.#waiting.push(portion);
      this.#wake();
    }
    portion.messages.push(message);
    this.#unfinishedCount++;
    return portion.synced.promise;
  }

  /** The sync interval is over. */
  tick(): void {
    this.#isTickDue = true;
    this.#isSyncDue = true;
    this.#wake();
  }

  /** Closes the file; the next message opens another. */
  reopen(): void {
    this.#isCloseDue = true;
    this.#wake();
  }

  /** From now on each message is synced at once: the source waits for unfinished ones. */
  endSoon(): void {
    this.#isEnding = true;
    this.#wake();
  }

  /** Resolves when everything is on the disk and the file is closed. */
  async close(): Promise<void> {
    this.reopen();
    await this.#working;
  }

  #wake(): void {
    this.#working ??= this.#work().then(
      () => undefined,
      (error: unknown) => this.#onFailure(error),
    );
  }

  async #work(): Promise<void> {
    // Messages of the same turn are written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (await this.#step());
  }

  /** Resolves with whether there was something to do. */
  async #step(): Promise<boolean> {
    const portion = this.#waiting.shift();
    if (portion !== undefined) {
      await this.#write(portion);
      this.#written.push(portion);
    } else if (this.#isTickDue) {
      this.#isTickDue = false;
      await this.#rotateIdle();
    } else if (this.#isCloseDue) {
      this.#isCloseDue = false;
      await this.#sync();
      await this.#setup.file.close();
    } else if (this.#written.length > 0 && this.#mustSync()) await this.#sync();
    else {
      this.#isSyncDue = false;
      // In this turn, so that later messages wake it again.
      this.#working = null;
      return false;
    }
    return true;
  }

  #mustSync(): boolean {
    return this.#isSyncDue || this.#isEnding || this.#setup.isStarved(this.#unfinishedCount);
  }

  async #write({ name, messages }: Portion): Promise<void> {
    const { file, format } = this.#setup;
    let pieces: Buffer[] = [];
    let size = 0;
    for (const message of messages) {
      if (file.needsRotation(name, size)) {
        if (file.isOpen) {
          await file.write(pieces, size);
          pieces = [];
          size = 0;
          this.#isSyncDue = true;
        }
        await file.rotate(name);
      }
      size += pushRecord(pieces, message, format);
    }
    await file.write(pieces, size);
  }

  async #sync(): Promise<void> {
    const portions = this.#written;
    this.#written = [];
    this.#isSyncDue = false;
    await this.#setup.file.sync();
    let count = 0;
    for (const { messages, synced } of portions) {
      count += messages.length;
      synced.resolve();
    }
    this.#unfinishedCount -= count;
    if (count > 0) this.#setup.onSynced(count);
  }

  /** The file is rotated even without messages; empty files are left out if requested. */
  async #rotateIdle(): Promise<void> {
    const { file, names, unixMs, skipsEmptyFiles } = this.#setup;
    const name = names.at(unixMs());
    if (!file.needsRotation(name)) return;
    await this.#sync();
    if (skipsEmptyFiles) await file.close();
    else await file.rotate(name);
  }
}
