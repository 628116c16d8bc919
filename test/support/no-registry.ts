import type { TopicRegistry } from '../../src/main/topics/topic-sources.ts';

/** A registry that nobody listens to and that knows of no channels. */
export const NO_REGISTRY: TopicRegistry = {
  onTopicCreated: () => undefined,
  onTopicDeleted: () => undefined,
  onChannelCreated: () => undefined,
  onChannelDeleted: () => undefined,
  channelsOf: () => undefined,
};
