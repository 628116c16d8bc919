/**
 * The policies of an embedded broker; the HTTP API manages the same ones.
 *
 * Thread: main.
 */

import { NsqError } from '../client/nsq-error.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import { type EffectiveValue, effectiveValues } from '../main/policies/effective.ts';
import type { PolicySource, SourcedPolicy } from '../main/policies/policies.ts';
import { parsePolicy, policyJson } from '../main/policies/policy.ts';
import { PolicyRefused, type PolicyStore } from '../main/policies/policy-store.ts';
import { errorText, valueText } from '../shared/error-text.ts';
import type { BrokerLife } from './broker-life.ts';
import { checkedChannel, checkedTopic } from './checked-names.ts';

/**
 * A policy. Keys and values are those of configuration files: `'max-attempts': 5`, `'message-ttl': '10m'`.
 *
 * @example
 * ```ts
 * import { createBroker, type PolicyGiven } from 'ringmq';
 *
 * const policy: PolicyGiven = {
 *   pattern: 'orders:*',
 *   priority: 10,
 *   definition: { 'max-attempts': 5, 'dead-letter': 'orders.dead' },
 * };
 * const broker = await createBroker({ memory: true });
 * await broker.policies.set('retries', policy);
 * await broker.close();
 * ```
 */
export type PolicyGiven = {
  /** TOPIC or TOPIC:CHANNEL, with `*` for any characters. */
  readonly pattern: string;
  /** For each key the matching policy with the highest priority decides. Default: 0. */
  readonly priority?: number | undefined;
  readonly definition: Readonly<Record<string, string | number>>;
};

/**
 * A policy in force.
 *
 * @example
 * ```ts
 * import { type BrokerPolicy, createBroker } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * const policies: BrokerPolicy[] = broker.policies.list();
 * console.log(policies.map(({ name, pattern }) => `${name}: ${pattern}`)); // []
 * await broker.close();
 * ```
 */
export type BrokerPolicy = Required<PolicyGiven> & {
  readonly name: string;
  readonly source: PolicySource;
};

/**
 * The policies of a broker. With a data directory they are kept there.
 *
 * @example
 * ```ts
 * import { createBroker } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * await broker.policies.set('short', { pattern: 'orders', definition: { 'max-depth': 1000 } });
 * console.log(broker.policies.effective('orders')['max-depth']); // { value: 1000, policy: 'short' }
 * await broker.policies.delete('short');
 * await broker.close();
 * ```
 */
export class BrokerPolicies {
  readonly #store: PolicyStore;
  readonly #life: BrokerLife;

  /** @internal */
  constructor(store: PolicyStore, life: BrokerLife) {
    this.#store = store;
    this.#life = life;
  }

  /** All policies, the highest priority first. */
  list(): BrokerPolicy[] {
    return this.#store.policies.list().map(shown);
  }

  /** Undefined if it does not exist. */
  get(name: string): BrokerPolicy | undefined {
    const policy = this.#store.policies.get(name);
    return policy === undefined ? undefined : shown(policy);
  }

  /**
   * Adds or replaces a policy. Resolves when it is saved and in force, also for existing topics and channels.
   *
   * Errors: rejects with an NsqError, INVALID_POLICY, if a pattern, key or value is invalid, or if policies contradict
   * each other.
   */
  async set(name: string, given: PolicyGiven): Promise<void> {
    this.#life.assertOpen();
    if (typeof name !== 'string') throw refused(valueText(name), 'its name is not a text');
    const policy = parsePolicy(name, given);
    if (policy instanceof InvalidValue) throw refused(name, policy.why);
    await this.#change(name, this.#store.put(policy));
  }

  /** Removes a policy. Errors: as `set`; rejects with NOT_FOUND if it does not exist. */
  async delete(name: string): Promise<void> {
    this.#life.assertOpen();
    if (this.#store.policies.get(name) === undefined) {
      throw new NsqError('NOT_FOUND', `there is no policy "${valueText(name)}"`);
    }
    await this.#change(name, this.#store.remove(name));
  }

  /** The value of each key for a topic or a channel, which need not exist. Errors: throws an NsqError for bad names. */
  effective(topic: string, channel?: string): Record<string, EffectiveValue> {
    const name = checkedTopic(topic);
    const channelName = channel === undefined ? null : checkedChannel(topic, channel);
    return effectiveValues(this.#store.policies, name, channelName);
  }

  async #change(name: string, changing: Promise<void>): Promise<void> {
    try {
      await this.#life.untilOver(changing);
    } catch (cause) {
      if (cause instanceof NsqError) throw cause;
      if (cause instanceof PolicyRefused) throw refused(name, cause.message);
      throw new NsqError('BROKER_FAILED', errorText(cause), { cause });
    }
  }
}

function shown({ policy, source }: SourcedPolicy): BrokerPolicy {
  return { ...policyJson(policy), source };
}

function refused(name: string, why: string): NsqError {
  return new NsqError('INVALID_POLICY', `policy ${name}: ${why}`);
}
