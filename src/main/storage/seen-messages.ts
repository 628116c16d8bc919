/**
 * What topics with `deduplicate` have seen, from a clean end to the next start. After a crash what was seen since the
 * last start is not known.
 *
 * Neither a failed save nor a file that cannot be read keeps anybody from stopping or starting: then messages that were
 * published before are taken for new.
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

/** Its dependencies. */
export type SeenMessagesSetup = {
  readonly dataPath: string;
  /** Where the file is kept: on disk if not given. */
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

  /** What the last clean end has saved, by topic. */
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

  /** Saves what topics have seen, once; nothing for none. */
  async save(seen: readonly SeenOfTopic[]): Promise<void> {
    // The file of an earlier end says nothing wrong, and grows no older than its windows.
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
      `messages that were published before are taken for new - ${errorText(error)}`,
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
  if (!isJsonObject(topics)) throw new Error('the file is none of version 1');
  const entries = Object.entries(topics).map(([topic, bytes]) => {
    if (typeof bytes !== 'string') throw new Error(`topic ${JSON.stringify(topic)} has no text`);
    return [topic, Buffer.from(bytes, 'base64')] as const;
  });
  return new Map(entries);
}
