/**
 * Finds disk queues whose topic or channel nsqd.dat does not name. A broker that was killed before it saved nsqd.dat,
 * or while it deleted a topic, leaves them. Their messages cannot be consumed.
 *
 * Thread: main, at the start. Source: nsqd does not report them.
 */

import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseQueueFileName } from '../../shared/data-files.ts';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';
import type { SavedTopic } from '../topics/metadata.ts';

/** A disk queue that nsqd.dat does not name. */
export type Orphan = {
  readonly topic: TopicName;
  /** Undefined for the topic's own queue. */
  readonly channel: ChannelName | undefined;
  /** Its data files, and an estimate of its messages that does not read the files whole. */
  readonly fileCount: number;
  readonly messageCount: number;
};

/** The number of names to show. */
const SHOWN_MAX = 10;
const CHUNK_BYTES = 64 * 1024;
/** Most bytes that are read to count the messages of a queue without metadata. */
const COUNTED_BYTES_MAX = 256 * 1024 * 1024;
const SIZE_BYTES = 4;
const MESSAGE_BYTES_MIN = 26;

/** Queues that hold messages and do not belong to saved topics and channels. Errors: throws if files cannot be read. */
export function findOrphans(dataPath: string, saved: readonly SavedTopic[]): Orphan[] {
  const known = new Set<string>();
  for (const { name, channels } of saved) {
    known.add(name);
    for (const channel of channels) known.add(`${name}:${channel.name}`);
  }
  const files = new Map<string, { segments: string[]; metadata: string | undefined }>();
  for (const name of fileNames(dataPath)) {
    const parsed = parseQueueFileName(name);
    // Windows file names cannot contain a colon.
    const queue = parsed?.prefix.replace(';', ':');
    if (parsed === undefined || queue === undefined || known.has(queue)) continue;
    const entry = files.get(queue) ?? { segments: [], metadata: undefined };
    if (parsed.kind === 'metadata') entry.metadata = join(dataPath, name);
    else entry.segments.push(join(dataPath, name));
    files.set(queue, entry);
  }
  return [...files].flatMap(([queue, entry]) => orphanOf(queue, entry.segments, entry.metadata));
}

/** Other kinds of files cannot be read, or reading them may block. */
function fileNames(dataPath: string): string[] {
  const entries = readdirSync(dataPath, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

/** Adds orphans to the saved topics. */
export function adopt(saved: readonly SavedTopic[], orphans: readonly Orphan[]): SavedTopic[] {
  const topics = new Map(
    saved.map((topic) => [topic.name, { ...topic, channels: [...topic.channels] }]),
  );
  for (const { topic: name, channel } of orphans) {
    const topic = topics.get(name) ?? { name, isPaused: false, channels: [] };
    topics.set(name, topic);
    if (channel !== undefined) topic.channels.push({ name: channel, isPaused: false });
  }
  return [...topics.values()];
}

/** The names of the orphans with their counts. */
export function describeOrphans(orphans: readonly Orphan[]): string {
  const messages = orphans.reduce((sum, orphan) => sum + orphan.messageCount, 0);
  const names = orphans.slice(0, SHOWN_MAX).map(({ topic, channel, messageCount, fileCount }) => {
    const name = channel === undefined ? topic : `${topic}:${channel}`;
    return `"${name}" (${messageCount} messages in ${fileCount} files)`;
  });
  const more = orphans.length > SHOWN_MAX ? ` and ${orphans.length - SHOWN_MAX} more` : '';
  return `${orphans.length} disk queues with ${messages} messages: ${names.join(', ')}${more}`;
}

function orphanOf(queue: string, segments: string[], metadata: string | undefined): Orphan[] {
  const [topicText = '', channelText, ...rest] = queue.split(':');
  const topic = parseTopicName(topicText);
  const channel = channelText === undefined ? undefined : parseChannelName(channelText);
  const isNamed = rest.length === 0 && (channelText === undefined || channel !== undefined);
  if (topic === undefined || !isNamed) return [];
  const messageCount = depthOf(metadata) ?? countMessages(segments);
  if (messageCount === 0) return [];
  return [{ topic, channel, fileCount: segments.length, messageCount }];
}

/** The depth in the first line of a metadata file; undefined without one. */
function depthOf(metadata: string | undefined): number | undefined {
  if (metadata === undefined) return undefined;
  const depth = /^(\d+)\n/.exec(readFileSync(metadata, 'latin1'))?.[1];
  return depth === undefined ? undefined : Number(depth);
}

/** Counts whole records by their size fields. */
function countMessages(paths: readonly string[]): number {
  let count = 0;
  let bytesLeft = COUNTED_BYTES_MAX;
  for (const path of paths) {
    const end = Math.min(statSync(path).size, bytesLeft);
    count += countIn(path, end);
    bytesLeft -= end;
  }
  return count;
}

function countIn(path: string, end: number): number {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let start = 0;
    let length = 0;
    let count = 0;
    for (let position = 0; position + SIZE_BYTES <= end; count++) {
      if (position + SIZE_BYTES > start + length) {
        start = position;
        length = readSync(file, chunk, 0, CHUNK_BYTES, position);
        if (length < SIZE_BYTES) return count;
      }
      const size = chunk.readInt32BE(position - start);
      position += SIZE_BYTES + size;
      if (size < MESSAGE_BYTES_MIN || position > end) return count;
    }
    return count;
  } finally {
    closeSync(file);
  }
}
