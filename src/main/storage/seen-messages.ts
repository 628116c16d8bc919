/**
 * Keeps what topics with `deduplicate` have seen across a clean restart. After a crash, what was seen since the last
 * start is lost.
 *
 * A failed save does not prevent the shutdown, and an unreadable file does not prevent the start: earlier messages then
 * count as new.
 *
 * Thread: main.
 */

import path from 'node:path';
import { isJsonObject, parseJson } from '../../daemon/go/json.ts';
import type { Logger } from '../../daemon/log.ts';
import { SavedFile } from '../../daemon/saved-file.ts';
import { DISK_FILES, type TextFiles } from '../../daemon/text-files.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import type { SeenOfTopic } from '../../shared/control.ts';
import { SEEN_FILE, SIDECAR_DIRECTORY } from '../../shared/data-files.ts';
import { errorText } from '../../shared/error-text.ts';

/** The dependencies of the list. */
export type SeenMessagesSetup = {
  readonly dataPath: string;
  /** The file system to use; the real one by default. */
  readonly textFiles?: TextFiles | undefined;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

export class SeenMessages {
  readonly #setup: SeenMessagesSetup;
  readonly #file: SavedFile;
  #seen: readonly SeenOfTopic[] = [];

  constructor(setup: SeenMessagesSetup) {
    this.#setup = setup;
    this.#file = new SavedFile({
      ...setup,
      path: path.join(setup.dataPath, SIDECAR_DIRECTORY, SEEN_FILE),
      title: 'messages that were seen',
      text: () => textOf(this.#seen),
    });
  }

  /** Odd while a save waits for the disk. */
  count(): number {
    return this.#file.count();
  }

  /** What the last clean shutdown saved, by topic. */
  async load(): Promise<ReadonlyMap<string, Uint8Array>> {
    try {
      const text = await this.#file.load();
      return text === undefined ? new Map() : parsed(text);
    } catch (error) {
      rethrowBug(error);
      this.#warn(error);
      return new Map();
    }
  }

  /** Saves what topics have seen, once; leaves the file alone if they have seen nothing. */
  async save(seen: readonly SeenOfTopic[]): Promise<void> {
    // A file of an earlier shutdown is still true: its entries expire with their windows.
    if (seen.length === 0) return;
    this.#seen = seen;
    try {
      const { textFiles = DISK_FILES } = this.#setup;
      await textFiles.makeDirectory(path.dirname(this.#file.path));
      await this.#file.save();
    } catch (error) {
      rethrowBug(error);
      this.#warn(error);
    }
    this.#file.stop();
  }

  #warn(error: unknown): void {
    this.#setup.logger.warn(
      `messages that were published before count as new - ${errorText(error)}`,
    );
  }
}

function* textOf(seen: readonly SeenOfTopic[]): Generator<void, string> {
  const topics: Record<string, string> = {};
  for (const { topic, seen: bytes } of seen) {
    topics[topic] = Buffer.from(bytes).toString('base64');
    yield;
  }
  return `${JSON.stringify({ version: 1, topics })}\n`;
}

function parsed(text: string): Map<string, Uint8Array> {
  const given = parseJson(text);
  const topics = isJsonObject(given) && given['version'] === 1 ? given['topics'] : undefined;
  if (!isJsonObject(topics)) throw new Error('the file does not have version 1');
  const entries = Object.entries(topics).map(([topic, bytes]) => {
    if (typeof bytes !== 'string') throw new Error(`topic ${JSON.stringify(topic)} has no text`);
    return [topic, Buffer.from(bytes, 'base64')] as const;
  });
  return new Map(entries);
}
