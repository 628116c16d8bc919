/**
 * A set of policies, and its decisions for a topic or a channel: for each key the matching policy with the highest
 * priority, or of several the first by name.
 *
 * A set is immutable; a change creates a new one.
 *
 * Thread: any (pure).
 */

import type { Policy } from './policy.ts';
import { isFor, KEY_NAMES, type PolicyKeyName, type PolicyValues } from './policy-keys.ts';

/** The values that policies set, and the policy that sets each. */
export type Decision = {
  readonly values: Partial<PolicyValues>;
  readonly deciders: ReadonlyMap<PolicyKeyName, string>;
};

const NOTHING: Decision = { values: {}, deciders: new Map() };

export class PolicySet {
  /** In the order of precedence. */
  readonly policies: readonly Policy[];

  constructor(policies: Iterable<Policy>) {
    this.policies = [...policies].sort(
      (a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1),
    );
  }

  get(name: string): Policy | undefined {
    return this.policies.find((policy) => policy.name === name);
  }

  /** The decision for a topic, or with a `channel` for that channel of it. */
  decide(topic: string, channel: string | null): Decision {
    if (this.policies.length === 0) return NOTHING;
    const matching = this.policies.filter(({ pattern }) => pattern.matches(topic, channel));
    if (matching.length === 0) return NOTHING;
    const values: Record<string, unknown> = {};
    const deciders = new Map<PolicyKeyName, string>();
    for (const name of KEY_NAMES.values()) {
      if (!isFor(name, channel !== null)) continue;
      const decider = matching.find(({ definition }) => definition[name] !== undefined);
      if (decider === undefined) continue;
      values[name] = decider.definition[name];
      deciders.set(name, decider.name);
    }
    // Each value has the type of its key.
    return { values: values as Partial<PolicyValues>, deciders };
  }
}
