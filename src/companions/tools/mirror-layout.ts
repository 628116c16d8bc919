/**
 * The topics and channels of a broker, and which of them a copy lacks.
 *
 * Thread: any (pure).
 */

import type { ChannelStats, NodeStats } from '../operator/node-stats.ts';

/** The channel that gives a mirror its copy of each message. It is not copied itself. */
export const MIRROR_CHANNEL = 'ringmq_mirror';

/** How names of topics and channels end that are gone with their consumers. */
export const EPHEMERAL = '#ephemeral';

/** A topic whose messages are copied. */
export type MirroredTopic = {
  readonly name: string;
  readonly isPaused: boolean;
  /** The channels that are copied. */
  readonly channels: readonly { readonly name: string; readonly isPaused: boolean }[];
};

/** The topics to copy: the requested ones, or all; without ephemeral topics and channels. */
export function mirroredTopics(stats: NodeStats, wanted: readonly string[]): MirroredTopic[] {
  return stats.topics
    .filter(({ topic_name: name }) => !name.endsWith(EPHEMERAL))
    .filter(({ topic_name: name }) => wanted.length === 0 || wanted.includes(name))
    .map(({ topic_name: name, paused, channels }) => ({
      name,
      isPaused: paused,
      channels: channels
        .filter(({ channel_name: channel }) => isCopied(channel))
        .map((channel) => ({ name: channel.channel_name, isPaused: channel.paused })),
    }));
}

function isCopied(channel: string): boolean {
  return channel !== MIRROR_CHANNEL && !channel.endsWith(EPHEMERAL);
}

/**
 * The requests that create what a broker lacks of these topics, in order. A pause is copied at the creation, and not
 * later: the target's operator may have ended it.
 */
export function missingParts(topics: readonly MirroredTopic[], target: NodeStats): string[] {
  const paths: string[] = [];
  for (const { name, isPaused, channels } of topics) {
    const topic = `topic=${encodeURIComponent(name)}`;
    const found = target.topics.find(({ topic_name: other }) => other === name);
    if (found === undefined) {
      paths.push(`/topic/create?${topic}`);
      if (isPaused) paths.push(`/topic/pause?${topic}`);
    }
    for (const channel of channels) {
      if (found?.channels.some((other) => other.channel_name === channel.name) === true) continue;
      const both = `${topic}&channel=${encodeURIComponent(channel.name)}`;
      paths.push(`/channel/create?${both}`);
      if (channel.isPaused) paths.push(`/channel/pause?${both}`);
    }
  }
  return paths;
}

/** The messages of a topic. */
export type MirrorCounts = {
  /** Messages that the topic received since the broker started. */
  readonly published: number;
  /** In the topic, and in the channel that copies them. */
  readonly left: number;
};

/** Zero for an unknown topic. */
export function mirrorCounts(stats: NodeStats, topic: string, channel: string): MirrorCounts {
  const found = stats.topics.find(({ topic_name: name }) => name === topic);
  const copying = found?.channels.find(({ channel_name: name }) => name === channel);
  return {
    published: found?.message_count ?? 0,
    left: (found?.depth ?? 0) + (copying === undefined ? 0 : unfinished(copying)),
  };
}

function unfinished(channel: ChannelStats): number {
  return channel.depth + channel.in_flight_count + channel.deferred_count;
}
