/**
 * The pattern that selects the topics and channels of a policy: over `topic` or `topic:channel`.
 *
 * `*` matches any number of characters, `?` one; all other characters match themselves. A pattern without a colon
 * applies to the topics that it matches and to all their channels; one with a colon applies only to channels.
 *
 * Bound: the length of two names and the colon, so that one match costs some thousand comparisons at most.
 *
 * Thread: any (pure).
 */

import { InvalidValue } from '../../daemon/options/invalid-value.ts';

/** Longest part of a pattern: the longest name, with its suffix. */
const PART_LENGTH_MAX = 64;
const SEPARATOR = ':';
const ANY = '*';
const ONE = '?';
/** The characters of names, including the `#` of `#ephemeral`, and the wildcards. */
const PART = /^[.a-zA-Z0-9_\-#*?]+$/;

export class NamePattern {
  readonly text: string;
  readonly #topic: string;
  /** Null if the pattern applies to topics and all their channels. */
  readonly #channel: string | null;

  private constructor(text: string, topic: string, channel: string | null) {
    this.text = text;
    this.#topic = topic;
    this.#channel = channel;
  }

  /** Errors: returns why a text is not a pattern. */
  static parse(text: string): NamePattern | InvalidValue {
    const [topic, channel, ...others] = text.split(SEPARATOR);
    if (others.length > 0) {
      return new InvalidValue('has more than one colon: it is TOPIC or TOPIC:CHANNEL');
    }
    const wrong =
      wrongPart(topic, 'topic') ??
      (channel === undefined ? undefined : wrongPart(channel, 'channel'));
    if (wrong !== undefined) return new InvalidValue(wrong);
    return new NamePattern(text, topic, channel ?? null);
  }

  /** Whether it applies only to channels. */
  get isForChannels(): boolean {
    return this.#channel !== null;
  }

  /** Whether it applies to every channel of the topics that it matches. */
  get hasAllChannels(): boolean {
    return this.#channel === null || /^\*+$/.test(this.#channel);
  }

  /** Whether it applies to the topic or to channels of the topic. */
  matchesTopic(topic: string): boolean {
    return matches(this.#topic, topic);
  }

  /** Whether it applies to this topic (`channel` is null), or to this channel of it. */
  matches(topic: string, channel: string | null): boolean {
    if (!matches(this.#topic, topic)) return false;
    if (this.#channel === null) return true;
    return channel !== null && matches(this.#channel, channel);
  }
}

function wrongPart(part: string, whose: string): string | undefined {
  if (part === '') return `names no ${whose}: ${ANY} matches every name`;
  if (part.length > PART_LENGTH_MAX) {
    return `is longer than any name of a ${whose}, ${PART_LENGTH_MAX} characters`;
  }
  if (PART.test(part)) return undefined;
  const allowed = `letters, digits, ".", "_", "-", ${ANY} and ${ONE} are allowed`;
  return `has a character that is in no name of a ${whose}: ${allowed}`;
}

/** Backtracks only to the last `*`: extending an earlier one cannot help. */
function matches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let starAt = 0;
  for (let next = 0; next < name.length; ) {
    if (pattern[at] === ANY) {
      star = at++;
      starAt = next;
    } else if (at < pattern.length && (pattern[at] === ONE || pattern[at] === name[next])) {
      at++;
      next++;
    } else if (star !== -1) {
      at = star + 1;
      next = ++starAt;
    } else return false;
  }
  while (pattern[at] === ANY) at++;
  return at === pattern.length;
}
