/**
 * The policies in force, and what they promise of each topic and channel.
 *
 * They come from the configuration file, which only the operator's editor changes, and from those who set them at run
 * time, which a file of the data directory keeps. Of two with one name, that of the configuration counts.
 *
 * Bound: 256 policies. Values are shared between topics and channels that are promised the same.
 *
 * Thread: main.
 */

import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { ChannelPolicy, TopicPolicy } from '../../shared/topic-policy.ts';
import { contradictionOf } from './dead-letter-cycles.ts';
import type { Policy } from './policy.ts';
import { type Decision, PolicySet } from './policy-set.ts';
import { channelPolicy, type PolicyOptions, topicPolicy } from './promises.ts';

const POLICIES_MAX = 256;

/** Where a policy comes from. */
export type PolicySource = 'configuration' | 'run time';

/** A policy, and where it comes from. */
export type SourcedPolicy = { readonly policy: Policy; readonly source: PolicySource };

export class Policies {
  readonly #options: PolicyOptions;
  #configured: ReadonlyMap<string, Policy>;
  #saved: ReadonlyMap<string, Policy> = new Map();
  #set: PolicySet;
  /** What was made, by what was decided. */
  #topicPolicies = new Map<string, TopicPolicy>();
  #channelPolicies = new Map<string, ChannelPolicy>();

  constructor(options: PolicyOptions, configured: Iterable<Policy> = []) {
    this.#options = options;
    this.#configured = byName(configured);
    this.#set = new PolicySet(this.#configured.values());
  }

  /** Those that were set at run time, which are to be kept. */
  get saved(): Iterable<Policy> {
    return this.#saved.values();
  }

  /** All of them, the ones that decide first. */
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

  /** What a topic promises. The same promises are the same value. */
  ofTopic(topic: string): TopicPolicy {
    const { values } = this.#set.decide(topic, null);
    return remembered(this.#topicPolicies, JSON.stringify(values), () =>
      topicPolicy(this.#options, values),
    );
  }

  /** What a channel promises. The same promises are the same value. */
  ofChannel(topic: string, channel: string): ChannelPolicy {
    const { acknowledge } = this.#set.decide(topic, null).values;
    const { values } = this.#set.decide(topic, channel);
    return remembered(this.#channelPolicies, JSON.stringify([acknowledge, values]), () =>
      channelPolicy(this.#options, acknowledge, values),
    );
  }

  /** Names of the policies that decide something about a topic or a channel, in order. */
  namesOf(topic: string, channel: string | null): string[] {
    return [...new Set(this.#set.decide(topic, channel).deciders.values())].sort();
  }

  /** Why a policy cannot be added or replaced at run time, or undefined. */
  refusalOf(policy: Policy): string | undefined {
    if (this.#configured.has(policy.name)) return inConfiguration(policy.name);
    if (!this.#saved.has(policy.name) && this.#saved.size >= POLICIES_MAX) {
      return `there are ${POLICIES_MAX} policies already`;
    }
    return contradictionOf(setOf([...this.#saved.values(), policy], this.#configured));
  }

  /** Why a policy cannot be removed at run time, or undefined; one that is not there can. */
  removalRefusalOf(name: string): string | undefined {
    if (this.#configured.has(name)) return inConfiguration(name);
    return contradictionOf(setOf(this.#without(name), this.#configured));
  }

  /** Adds or replaces a policy that is not refused. */
  put(policy: Policy): void {
    this.restore([...this.#saved.values(), policy]);
  }

  remove(name: string): void {
    this.restore(this.#without(name));
  }

  /** Sets all policies of the run time: what was kept. */
  restore(saved: Iterable<Policy>): void {
    this.#saved = byName(saved);
    this.#rebuild();
  }

  /** Sets all policies of the configuration file. Errors: says why they cannot be in force; nothing changes then. */
  configure(configured: Iterable<Policy>): InvalidValue | undefined {
    const next = byName(configured);
    const why = contradictionOf(setOf(this.#saved.values(), next));
    if (why !== undefined) return new InvalidValue(why);
    this.#configured = next;
    this.#rebuild();
    return undefined;
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

/** All of them; of two with one name, the configured one. */
function setOf(saved: Iterable<Policy>, configured: ReadonlyMap<string, Policy>): PolicySet {
  return new PolicySet(byName([...saved, ...configured.values()]).values());
}

/** Of two with one name the last. */
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
