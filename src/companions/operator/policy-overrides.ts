/**
 * Which keys of a policy are decided by other policies, at least for some topics or channels.
 *
 * Thread: any.
 */

/** A policy as the broker shows it. */
export type ShownPolicy = {
  readonly name: string;
  readonly pattern: string;
  readonly priority: number;
  readonly source: string;
  readonly definition: Readonly<Record<string, unknown>>;
};

/** The policies that go before another one, by the keys that they decide. */
export type Overrides = Readonly<Record<string, readonly ShownPolicy[]>>;

/** `policies`: all, in order of precedence. */
export function overridesOf(policy: ShownPolicy, policies: readonly ShownPolicy[]): Overrides {
  const index = policies.findIndex(({ name }) => name === policy.name);
  const earlier = policies
    .slice(0, Math.max(0, index))
    .filter(({ pattern }) => meet(pattern, policy.pattern));
  const overrides: Record<string, readonly ShownPolicy[]> = {};
  for (const key of Object.keys(policy.definition)) {
    const deciding = earlier.filter(({ definition }) => key in definition);
    if (deciding.length > 0) overrides[key] = deciding;
  }
  return overrides;
}

/** Whether a topic or channel can match both patterns. */
function meet(one: string, other: string): boolean {
  const [topic, channel = '*'] = one.split(':');
  const [otherTopic, otherChannel = '*'] = other.split(':');
  return globsMeet(topic, otherTopic) && globsMeet(channel, otherChannel);
}

/** Whether a text can match both globs. */
function globsMeet(one: string, other: string): boolean {
  // Whether what is left of both can match the same text, by where the rest of `other` begins.
  let next: boolean[] = [];
  for (let i = one.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = other.length; j >= 0; j--) {
      const areBothLeft = i < one.length && j < other.length;
      row[j] =
        (i === one.length && j === other.length) ||
        (one[i] === '*' && (next[j] || row[j + 1] === true)) ||
        (other[j] === '*' && (row[j + 1] || next[j] === true)) ||
        (areBothLeft && fits(one[i], other[j]) && next[j + 1]);
    }
    next = row;
  }
  return next[0];
}

function fits(one: string, other: string): boolean {
  return one === '?' || other === '?' || one === other;
}
