/**
 * Detects cycles of dead letters: from a topic to itself, or over several topics back to the first.
 *
 * Only topics that receive dead letters can be part of a cycle, so only these are checked. Policies of channels are
 * evaluated by priority, as usual; if a pattern matches only some channels of a topic, the topic may have other
 * channels.
 *
 * Thread: any (pure).
 */

import type { PolicySet } from './policy-set.ts';

/** Returns what is wrong with a set and how to fix it; undefined if nothing is. */
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

/** The topics of a cycle. */
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

/** The topics that may receive dead letters of the topic's channels. */
function deadLettersOf(set: PolicySet, topic: string): Set<string> {
  const found = new Set<string>();
  for (const { pattern, definition } of set.policies) {
    if (definition.deadLetter === undefined || !pattern.matchesTopic(topic)) continue;
    if (definition.deadLetter !== '') found.add(definition.deadLetter);
    // Policies of lower priority have no effect.
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
