/**
 * nsqd.dat: which topics and channels there are, and which of them are paused.
 *
 * Shape: JSON, compact, `{"topics":[{"name","paused","channels":[{"name","paused"}]}],"version"}`; no topics
 * or channels are `null`, as nsqd writes them. It is replaced as a whole: written beside, synced, renamed, and
 * the directory synced. Ephemeral topics and channels are left out.
 *
 * A file that has not changed is not written again, so a full or read-only disk does not matter then. A save that
 * fails is tried again every second until one succeeds.
 *
 * Thread: main. Source: nsqd `LoadMetadata`, `PersistMetadata`, which does not try again.
 */

import { randomInt } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../daemon/log.ts';
import { inSlices } from '../../daemon/slices.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import {
  type ChannelName,
  isEphemeral,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';

const FILE_NAME = 'nsqd.dat';
const FILE_MODE = 0o600;
const RANDOM_MAX = 2 ** 31;
/** Topics and channels that are written down in one slice: some milliseconds' work. */
const ENTRIES_PER_SLICE = 4096;
/** How long after a failed save the next one is tried. */
const RETRY_MS = 1000;

/** A channel as it was saved. */
export type SavedChannel = { name: ChannelName; isPaused: boolean };
/** A topic as it was saved. */
export type SavedTopic = { name: TopicName; isPaused: boolean; channels: SavedChannel[] };

/** What the file is made from. */
export type MetadataSource = Iterable<{
  readonly name: TopicName;
  readonly isPaused: boolean;
  readonly channels: ReadonlyMap<
    string,
    { readonly name: ChannelName; readonly isPaused: boolean }
  >;
}>;

/** What it is made of. */
export type MetadataSetup = {
  readonly dataPath: string;
  readonly source: () => MetadataSource;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

export class Metadata {
  readonly #setup: MetadataSetup;
  readonly #path: string;
  /** The save that runs, and the one that is to follow it. */
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  /** What the file is known to hold. */
  #text: string | undefined;
  #failure: string | null = null;
  /** Set while a failed save is to be tried again. */
  #retry: Timer | null = null;
  #isStopped = false;
  /** Goes up when a save begins and when it ends. */
  #count = 0;

  constructor(setup: MetadataSetup) {
    this.#setup = setup;
    this.#path = path.join(setup.dataPath, FILE_NAME);
  }

  /** Odd while a save waits for the disk. */
  count(): number {
    return this.#count;
  }

  /** Why the last save failed; null if it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  /**
   * Reads the file; no file is no topics. Invalid names are skipped with a warning.
   * Errors: rejects when the file cannot be read or is no valid JSON of this shape.
   */
  async load(): Promise<SavedTopic[]> {
    const text = await readText(this.#path);
    if (text === undefined) return [];
    this.#text = text;
    try {
      return this.#parse(text);
    } catch (cause) {
      throw new Error(`failed to parse metadata in ${this.#path} - ${errorText(cause)}`, { cause });
    }
  }

  /**
   * Writes the file with all that has changed until now. Calls that come while one writes share the next.
   * Errors: rejects when it cannot be written; the old file is then still there, and the save is tried again later.
   */
  save(): Promise<void> {
    // Asked first: between two saves there is a moment in which none runs although one is to come.
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    this.#next = this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  /** As `save`, but tries again until the file is written. Never rejects. */
  async persist(): Promise<void> {
    for (;;) {
      const error = await this.save().then(() => null, errorText);
      if (error === null || this.#isStopped) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#setup.clock.after(RETRY_MS, resolve);
      await promise;
    }
  }

  /** Nothing is tried again from now on. */
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
    this.#retry?.cancel();
    this.#retry = null;
    try {
      const text = await new Promise<string>((resolve, reject) => {
        inSlices(this.#serialize(), resolve, reject);
      });
      if (await this.#isOnDisk(text)) await this.#syncDirectory();
      else await this.#write(text);
      this.#text = text;
    } catch (cause) {
      const failure = `failed to persist metadata to ${this.#path} - ${errorText(cause)}`;
      this.#onFailed(failure);
      throw new Error(failure, { cause });
    }
    if (this.#failure !== null) this.#setup.logger.info(`metadata is persisted to ${this.#path}`);
    this.#failure = null;
  }

  #onFailed(failure: string): void {
    this.#text = undefined;
    if (this.#failure === null) this.#setup.logger.error(`${failure}, trying again`);
    this.#failure = failure;
    if (this.#isStopped) return;
    this.#retry = this.#setup.clock.after(RETRY_MS, () => {
      // A failure is logged and kept for whoever asks.
      this.save().catch(errorText);
    });
  }

  /** Whether the file is as it should be: it may have been removed since it was read or written. */
  async #isOnDisk(text: string): Promise<boolean> {
    if (text !== this.#text) return false;
    // What cannot be read is written again.
    return text === (await readText(this.#path).catch(() => undefined));
  }

  async #write(text: string): Promise<void> {
    if (this.#failure === null) {
      this.#setup.logger.info(`NSQ: persisting topic/channel metadata to ${this.#path}`);
    }
    const temporary = `${this.#path}.${randomInt(RANDOM_MAX)}.tmp`;
    try {
      const file = await open(temporary, 'w', FILE_MODE);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      // What is left is removed at the next start.
      await rm(temporary, { force: true }).catch(errorText);
      throw error;
    }
    await this.#syncDirectory();
  }

  async #syncDirectory(): Promise<void> {
    // Windows has no way to sync a directory, and needs none.
    if (process.platform === 'win32') return;
    const directory = await open(this.#setup.dataPath, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /**
   * The file's text, in slices: of many topics, what changes meanwhile is in the text or not, and in the next save in
   * any case.
   */
  *#serialize(): Generator<void, string> {
    const topics: string[] = [];
    let left = ENTRIES_PER_SLICE;
    for (const { name, isPaused, channels } of this.#setup.source()) {
      if (isEphemeral(name)) continue;
      const list: string[] = [];
      for (const channel of channels.values()) {
        if (left-- === 0) {
          yield;
          left = ENTRIES_PER_SLICE;
        }
        if (isEphemeral(channel.name)) continue;
        list.push(JSON.stringify({ name: channel.name, paused: channel.isPaused }));
      }
      const text = list.length === 0 ? 'null' : `[${list.join(',')}]`;
      topics.push(`{"name":${JSON.stringify(name)},"paused":${isPaused},"channels":${text}}`);
      if (left-- <= 0) {
        yield;
        left = ENTRIES_PER_SLICE;
      }
    }
    const text = topics.length === 0 ? 'null' : `[${topics.join(',')}]`;
    return `{"topics":${text},"version":${JSON.stringify(NSQD_VERSION)}}`;
  }

  #parse(text: string): SavedTopic[] {
    const topics: SavedTopic[] = [];
    for (const entry of listOf(objectOf(JSON.parse(text))['topics'])) {
      const topic = objectOf(entry);
      const name = parseTopicName(nameOf(topic));
      if (name === undefined) {
        this.#setup.logger.warn(`skipping creation of invalid topic ${nameOf(topic)}`);
        continue;
      }
      topics.push({
        name,
        isPaused: topic['paused'] === true,
        channels: this.#parseChannels(topic),
      });
    }
    return topics;
  }

  #parseChannels(topic: Record<string, unknown>): SavedChannel[] {
    const channels: SavedChannel[] = [];
    for (const entry of listOf(topic['channels'])) {
      const channel = objectOf(entry);
      const name = parseChannelName(nameOf(channel));
      if (name === undefined)
        this.#setup.logger.warn(`skipping creation of invalid channel ${nameOf(channel)}`);
      else channels.push({ name, isPaused: channel['paused'] === true });
    }
    return channels;
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Error(`failed to read metadata from ${file} - ${errorText(cause)}`, { cause });
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`expected an object, got ${JSON.stringify(value)}`);
  }
  // Any key of an object can be looked at; what it holds is unknown.
  return value as Record<string, unknown>;
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`expected a list, got ${JSON.stringify(value)}`);
  return value;
}

function nameOf(entry: Record<string, unknown>): string {
  const name = entry['name'] ?? '';
  if (typeof name !== 'string') throw new Error(`expected a name, got ${JSON.stringify(name)}`);
  return name;
}
