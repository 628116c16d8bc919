/**
 * Changed policies of topics and channels, grouped so that each pump gets every distinct policy once.
 *
 * Thread: main.
 */

import type { ChannelPolicy, TopicPolicy } from '../../shared/topic-policy.ts';
import type { PumpHandle } from './pump-handle.ts';

/** Numbers of topics or channels by policy. */
type Groups<T> = Map<T, number[]>;

export class PolicyChanges {
  readonly #topics = new Map<PumpHandle, Groups<TopicPolicy>>();
  readonly #channels = new Map<PumpHandle, Groups<ChannelPolicy>>();

  addTopic(pump: PumpHandle, topic: number, policy: TopicPolicy): void {
    add(this.#topics, pump, topic, policy);
  }

  addChannel(pump: PumpHandle, channel: number, policy: ChannelPolicy): void {
    add(this.#channels, pump, channel, policy);
  }

  /** Sends the pumps the changes since the last call. */
  send(): void {
    for (const [pump, groups] of this.#topics) {
      for (const [policy, topics] of groups) {
        void pump.request({ do: 'setTopicPolicy', topics, policy });
      }
    }
    for (const [pump, groups] of this.#channels) {
      for (const [policy, channels] of groups) {
        void pump.request({ do: 'setChannelPolicy', channels, policy });
      }
    }
    this.#topics.clear();
    this.#channels.clear();
  }
}

function add<T>(
  all: Map<PumpHandle, Groups<T>>,
  pump: PumpHandle,
  number: number,
  policy: T,
): void {
  const groups = all.get(pump) ?? new Map<T, number[]>();
  const numbers = groups.get(policy) ?? [];
  numbers.push(number);
  all.set(pump, groups.set(policy, numbers));
}
