import type { TopicRegistry } from '../../src/main/topics/topic-sources.ts';

/** A registry that ignores events and knows no channels. */
export const NO_REGISTRY: TopicRegistry = {
  onTopicCreated: () => undefined,
  onTopicDeleted: () => undefined,
  onChannelCreated: () => undefined,
  onChannelDeleted: () => undefined,
  channelsOf: () => undefined,
};
