/**
 * nsqd.dat: the topics and channels, and which of them are paused.
 *
 * Shape: JSON, compact, `{"topics":[{"name","paused","channels":[{"name","paused"}]}],"version"}`; no topics
 * or channels are `null`, as nsqd writes them. Ephemeral topics and channels are left out, and so are replicated
 * topics, which their store names.
 *
 * Thread: main. Source: nsqd `LoadMetadata`, `PersistMetadata`.
 */

import path from 'node:path';
import { isTooDeep, JSON_DEPTH_MAX } from '../../daemon/go/json.ts';
import type { Logger } from '../../daemon/log.ts';
import { SavedFile } from '../../daemon/saved-file.ts';
import type { TextFiles } from '../../daemon/text-files.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import {
  type ChannelName,
  isEphemeral,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';

const FILE_NAME = 'nsqd.dat';
const REMEDY =
  'repair the file, or move it away and start with --adopt-orphans, which finds queues by their files';
/** Topics and channels that are serialized in one slice: a few milliseconds of work. */
const ENTRIES_PER_SLICE = 4096;
/** Most characters of an unexpected value in a log line. */
const EXCERPT_LENGTH = 200;

/** A channel as it was saved. */
export type SavedChannel = { name: ChannelName; isPaused: boolean };
/** A topic as it was saved. */
export type SavedTopic = { name: TopicName; isPaused: boolean; channels: SavedChannel[] };

/** The source of the file's contents. */
export type MetadataSource = Iterable<{
  readonly name: TopicName;
  readonly isPaused: boolean;
  readonly isReplicated: boolean;
  readonly channels: ReadonlyMap<
    string,
    { readonly name: ChannelName; readonly isPaused: boolean }
  >;
}>;

/** Its dependencies. */
export type MetadataSetup = {
  readonly dataPath: string;
  /** Where the file is kept: on disk if not given. */
  readonly textFiles?: TextFiles | undefined;
  readonly source: () => MetadataSource;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

export class Metadata {
  readonly #setup: MetadataSetup;
  readonly #file: SavedFile;

  constructor(setup: MetadataSetup) {
    const file = path.join(setup.dataPath, FILE_NAME);
    this.#setup = setup;
    this.#file = new SavedFile({
      ...setup,
      path: file,
      title: 'metadata',
      announcement: `NSQ: persisting topic/channel metadata to ${file}`,
      text: () => this.#serialize(),
    });
  }

  /** Odd while a save is running. */
  count(): number {
    return this.#file.count();
  }

  /** The reason why the last save failed; null if it succeeded. */
  get failure(): string | null {
    return this.#file.failure;
  }

  /**
   * Reads the file; a missing file means no topics. Invalid names are skipped with a warning.
   * Errors: rejects if the file cannot be read or is not JSON of this shape.
   */
  async load(): Promise<SavedTopic[]> {
    const text = await this.#file.load();
    if (text === undefined) return [];
    try {
      return this.#parse(text);
    } catch (cause) {
      rethrowBug(cause);
      const file = this.#file.path;
      throw new Error(`failed to parse metadata in ${file} - ${errorText(cause)}; ${REMEDY}`, {
        cause,
      });
    }
  }

  /** Writes the file with all changes so far, as `SavedFile.save`. */
  save(): Promise<void> {
    return this.#file.save();
  }

  /** As `save`, but retries until the file is written. Never rejects. */
  persist(): Promise<void> {
    return this.#file.persist();
  }

  /** Stops retrying. */
  stop(): void {
    this.#file.stop();
  }

  /**
   * Builds the file's text, in slices. A change during that may or may not be in this text, but it is in the next.
   */
  *#serialize(): Generator<void, string> {
    const topics: string[] = [];
    let left = ENTRIES_PER_SLICE;
    for (const { name, isPaused, isReplicated, channels } of this.#setup.source()) {
      if (isEphemeral(name) || isReplicated) continue;
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
    for (const entry of listOf(objectOf(parse(text))['topics'])) {
      const topic = objectOf(entry);
      const name = parseTopicName(nameOf(topic));
      if (name === undefined) {
        this.#setup.logger.warn(`skipping creation of invalid topic ${excerpt(nameOf(topic))}`);
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
        this.#setup.logger.warn(`skipping creation of invalid channel ${excerpt(nameOf(channel))}`);
      else channels.push({ name, isPaused: channel['paused'] === true });
    }
    return channels;
  }
}

/** Errors: throws when the text is not JSON, or is nested too deep to be what a broker has written. */
function parse(text: string): unknown {
  if (isTooDeep(text)) throw new Error(`objects within each other, more than ${JSON_DEPTH_MAX}`);
  return JSON.parse(text);
}

/** A value in an error's text: lists and objects may be of any size. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : excerpt(JSON.stringify(value));
}

function excerpt(text: string): string {
  return text.length > EXCERPT_LENGTH ? `${text.slice(0, EXCERPT_LENGTH)}…` : text;
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`expected an object, got ${shown(value)}`);
  }
  // Any key may be read; the values are unknown.
  return value as Record<string, unknown>;
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`expected a list, got ${shown(value)}`);
  return value;
}

function nameOf(entry: Record<string, unknown>): string {
  const name = entry['name'] ?? '';
  if (typeof name !== 'string') throw new Error(`expected a name, got ${shown(name)}`);
  return name;
}
