/**
 * nsqd.dat: which topics and channels there are, and which of them are paused.
 *
 * Shape: JSON, compact, `{"topics":[{"name","paused","channels":[{"name","paused"}]}],"version"}`; no topics
 * or channels are `null`, as nsqd writes them. It is replaced as a whole: written beside, synced, renamed, and
 * the directory synced. Ephemeral topics and channels are left out.
 *
 * Thread: main. Source: nsqd `LoadMetadata`, `PersistMetadata`; behaviour.md §9.
 */

import { randomInt } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { NSQD_VERSION } from '../../daemon/version.ts';
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

export class Metadata {
  readonly #dataPath: string;
  readonly #path: string;
  readonly #source: () => MetadataSource;
  readonly #warn: (text: string) => void;
  /** The save that runs, and the one that is to follow it. */
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(dataPath: string, source: () => MetadataSource, warn: (text: string) => void) {
    this.#dataPath = dataPath;
    this.#path = path.join(dataPath, FILE_NAME);
    this.#source = source;
    this.#warn = warn;
  }

  /**
   * Reads the file; no file is no topics. Invalid names are skipped with a warning.
   * Errors: rejects when the file cannot be read or is no valid JSON of this shape.
   */
  async load(): Promise<SavedTopic[]> {
    const text = await readText(this.#path);
    if (text === undefined) return [];
    try {
      return this.#parse(text);
    } catch (cause) {
      throw new Error(`failed to parse metadata in ${this.#path} - ${errorText(cause)}`, { cause });
    }
  }

  /**
   * Writes the file with all that has changed until now. Calls that come while one writes share the next.
   * Errors: rejects when it cannot be written; the old file is then still there.
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

  #start(): Promise<void> {
    this.#next = null;
    const running = this.#write().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.${randomInt(RANDOM_MAX)}.tmp`;
    try {
      const file = await open(temporary, 'w', FILE_MODE);
      try {
        await file.writeFile(this.#serialize());
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
      await this.#syncDirectory();
    } catch (cause) {
      await rm(temporary, { force: true });
      throw new Error(`failed to persist metadata to ${this.#path} - ${errorText(cause)}`, {
        cause,
      });
    }
  }

  async #syncDirectory(): Promise<void> {
    // Windows has no way to sync a directory, and needs none.
    if (process.platform === 'win32') return;
    const directory = await open(this.#dataPath, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  #serialize(): string {
    const topics = [];
    for (const { name, isPaused, channels } of this.#source()) {
      if (isEphemeral(name)) continue;
      const durable = [...channels.values()].filter((channel) => !isEphemeral(channel.name));
      const list = durable.map((channel) => ({ name: channel.name, paused: channel.isPaused }));
      topics.push({ name, paused: isPaused, channels: list.length === 0 ? null : list });
    }
    return JSON.stringify({ topics: topics.length === 0 ? null : topics, version: NSQD_VERSION });
  }

  #parse(text: string): SavedTopic[] {
    const topics: SavedTopic[] = [];
    for (const entry of listOf(objectOf(JSON.parse(text))['topics'])) {
      const topic = objectOf(entry);
      const name = parseTopicName(nameOf(topic));
      if (name === undefined) {
        this.#warn(`skipping creation of invalid topic ${nameOf(topic)}`);
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
      if (name === undefined) this.#warn(`skipping creation of invalid channel ${nameOf(channel)}`);
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
