/**
 * Whether dead letters could go round: from a topic to itself, or over several topics back to the first.
 *
 * Only topics that get dead letters can be on such a way, so only they are looked at. A channel's policies are taken
 * by priority, as when they decide; where a pattern is for some channels of a topic, the topic may have others.
 *
 * Thread: any (pure).
 */

import type { PolicySet } from './policy-set.ts';

/** Says what is wrong with a set, and what helps; undefined when nothing is. */
export function contradictionOf(set: PolicySet): string | undefined {
  const targets = new Set<string>();
  for (const { definition } of set.policies) {
    if (definition.deadLetter) targets.add(definition.deadLetter);
  }
  const isDone = new Set<string>();
  for (const target of targets) {
    const cycle = findCycle(set, target, [], isDone);
    if (cycle !== undefined) return explain(cycle);
  }
  return undefined;
}

/** Topics on a way that comes back to its first. */
function findCycle(
  set: PolicySet,
  topic: string,
  way: readonly string[],
  isDone: Set<string>,
): string[] | undefined {
  const at = way.indexOf(topic);
  if (at !== -1) return way.slice(at);
  if (isDone.has(topic)) return undefined;
  for (const next of deadLettersOf(set, topic)) {
    const cycle = findCycle(set, next, [...way, topic], isDone);
    if (cycle !== undefined) return cycle;
  }
  isDone.add(topic);
  return undefined;
}

/** Where dead letters of the topic's channels may go. */
function deadLettersOf(set: PolicySet, topic: string): Set<string> {
  const found = new Set<string>();
  for (const { pattern, definition } of set.policies) {
    if (definition.deadLetter === undefined || !pattern.matchesTopic(topic)) continue;
    if (definition.deadLetter !== '') found.add(definition.deadLetter);
    // Those behind it have nothing to say.
    if (pattern.hasAllChannels) break;
  }
  return found;
}

function explain(cycle: readonly string[]): string {
  const [first] = cycle;
  const remedy = `a policy for ${first} with dead-letter="" and a higher priority ends that`;
  if (cycle.length === 1)
    return `dead letters of topic ${first} would go to ${first} itself; ${remedy}`;
  return `dead letters would go round: ${[...cycle, first].join(' -> ')}; ${remedy}`;
}
