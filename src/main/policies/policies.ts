/**
 * The policies in force, and their result for each topic and channel.
 *
 * They come from the configuration file, and from the HTTP API at run time; a file in the data directory keeps the
 * latter. If both have a policy of the same name, the configuration file wins.
 *
 * Bound: 256 policies. Topics and channels with equal policies share the values.
 *
 * Thread: main.
 */

import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { ChannelPolicy, TopicPolicy } from '../../shared/topic-policy.ts';
import { contradictionOf } from './dead-letter-cycles.ts';
import type { Policy } from './policy.ts';
import { type Decision, PolicySet } from './policy-set.ts';
import { channelPolicy, type PolicyOptions, topicPolicy } from './resolved-policy.ts';

const POLICIES_MAX = 256;

/** The source of a policy. */
export type PolicySource = 'configuration' | 'run time';

/** A policy with its source. */
export type SourcedPolicy = { readonly policy: Policy; readonly source: PolicySource };

export class Policies {
  readonly #options: PolicyOptions;
  #configured: ReadonlyMap<string, Policy>;
  #saved: ReadonlyMap<string, Policy> = new Map();
  #set: PolicySet;
  /** The policies that were built, by their deciding values. */
  #topicPolicies = new Map<string, TopicPolicy>();
  #channelPolicies = new Map<string, ChannelPolicy>();

  constructor(options: PolicyOptions, configured: Iterable<Policy> = []) {
    this.#options = options;
    this.#configured = byName(configured);
    this.#set = new PolicySet(this.#configured.values());
  }

  /** The policies that were set at run time, to be saved. */
  get saved(): Iterable<Policy> {
    return this.#saved.values();
  }

  /** All policies, the highest priority first. */
  list(): SourcedPolicy[] {
    return this.#set.policies.map((policy) => ({ policy, source: this.#sourceOf(policy) }));
  }

  get(name: string): SourcedPolicy | undefined {
    const policy = this.#set.get(name);
    return policy === undefined ? undefined : { policy, source: this.#sourceOf(policy) };
  }

  decide(topic: string, channel: string | null): Decision {
    return this.#set.decide(topic, channel);
  }

  /** The policy of a topic. Equal policies are the same object. */
  ofTopic(topic: string): TopicPolicy {
    const { values } = this.#set.decide(topic, null);
    return remembered(this.#topicPolicies, JSON.stringify(values), () =>
      topicPolicy(this.#options, values),
    );
  }

  /** The policy of a channel. Equal policies are the same object. */
  ofChannel(topic: string, channel: string): ChannelPolicy {
    const { acknowledge } = this.#set.decide(topic, null).values;
    const { values } = this.#set.decide(topic, channel);
    return remembered(this.#channelPolicies, JSON.stringify([acknowledge, values]), () =>
      channelPolicy(this.#options, acknowledge, values),
    );
  }

  /** The names of the policies that affect a topic or a channel, in order. */
  namesOf(topic: string, channel: string | null): string[] {
    return [...new Set(this.#set.decide(topic, channel).deciders.values())].sort();
  }

  /** Why a policy cannot be added or replaced at run time, or undefined. */
  refusalOf(policy: Policy): string | undefined {
    if (this.#configured.has(policy.name)) return inConfiguration(policy.name);
    if (!this.#saved.has(policy.name) && this.#saved.size >= POLICIES_MAX) {
      return `there are ${POLICIES_MAX} policies already`;
    }
    return this.#faultOf(setOf([...this.#saved.values(), policy], this.#configured));
  }

  /** Why a policy cannot be removed at run time, or undefined; a missing one can be. */
  removalRefusalOf(name: string): string | undefined {
    if (this.#configured.has(name)) return inConfiguration(name);
    return this.#faultOf(setOf(this.#without(name), this.#configured));
  }

  /** Why the policies in force cannot be carried out, or undefined. */
  get fault(): string | undefined {
    return this.#faultOf(this.#set);
  }

  /** Adds or replaces a policy; `refusalOf` must have accepted it. */
  put(policy: Policy): void {
    this.restore([...this.#saved.values(), policy]);
  }

  remove(name: string): void {
    this.restore(this.#without(name));
  }

  /** Restores the saved policies of the run time. */
  restore(saved: Iterable<Policy>): void {
    this.#saved = byName(saved);
    this.#rebuild();
  }

  /** Sets the policies of the configuration file. Errors: returns why they are invalid; then nothing changes. */
  configure(configured: Iterable<Policy>): InvalidValue | undefined {
    const next = byName(configured);
    const why = this.#faultOf(setOf(this.#saved.values(), next));
    if (why !== undefined) return new InvalidValue(why);
    this.#configured = next;
    this.#rebuild();
    return undefined;
  }

  /** The options that apply to all have changed. */
  refresh(): void {
    this.#rebuild();
  }

  #faultOf(set: PolicySet): string | undefined {
    const stored = set.policies.find(({ definition }) => definition.store === 'nats');
    if (stored !== undefined && this.#options.natsUrl === '') {
      return `policy ${stored.name} keeps topics in NATS, and the broker has no --nats-url`;
    }
    return contradictionOf(set);
  }

  #without(name: string): Policy[] {
    return [...this.#saved.values()].filter((policy) => policy.name !== name);
  }

  #rebuild(): void {
    this.#set = setOf(this.#saved.values(), this.#configured);
    this.#topicPolicies = new Map();
    this.#channelPolicies = new Map();
  }

  #sourceOf({ name }: Policy): PolicySource {
    return this.#configured.has(name) ? 'configuration' : 'run time';
  }
}

/** All policies; the configured one wins over a saved one of the same name. */
function setOf(saved: Iterable<Policy>, configured: ReadonlyMap<string, Policy>): PolicySet {
  return new PolicySet(byName([...saved, ...configured.values()]).values());
}

/** By name; the last one of a name wins. */
function byName(policies: Iterable<Policy>): Map<string, Policy> {
  return new Map([...policies].map((policy) => [policy.name, policy]));
}

function inConfiguration(name: string): string {
  return `policy ${name} is set in the configuration file, and can only be changed there`;
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}
