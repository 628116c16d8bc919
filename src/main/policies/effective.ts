/**
 * The values in force for one topic or channel, and which policy decides each.
 *
 * Thread: main.
 */

import type { ChannelName, TopicName } from '../../shared/names.ts';
import type { Policies } from './policies.ts';
import { showValue } from './policy.ts';
import { isFor, KEY_NAMES, type PolicyKeyName } from './policy-keys.ts';

/**
 * The value of one key in force. Shape: a number where that is exact, otherwise a text; `policy` is null where no
 * policy decides.
 *
 * @example
 * ```ts
 * import { createBroker, type EffectiveValue } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * const value: EffectiveValue = broker.policies.effective('orders')['max-depth'];
 * console.log(value); // { value: 0, policy: null }
 * await broker.close();
 * ```
 */
export type EffectiveValue = { readonly value: string | number; readonly policy: string | null };

/** Each key that applies to the topic, or to its channel if one is named, as operators write it. */
export function effectiveValues(
  policies: Policies,
  topic: TopicName,
  channel: ChannelName | null,
): Record<string, EffectiveValue> {
  const { deciders } = policies.decide(topic, channel);
  const policy: Partial<Record<PolicyKeyName, unknown>> =
    channel === null ? policies.ofTopic(topic) : policies.ofChannel(topic, channel);
  const values: Record<string, EffectiveValue> = {};
  for (const [key, name] of KEY_NAMES) {
    if (!isFor(name, channel !== null)) continue;
    values[key] = {
      value: showValue(name, policy[name]),
      policy: deciders.get(name) ?? null,
    };
  }
  return values;
}
