/**
 * Names of topics and channels: 1 to 64 bytes of letters, digits, dot, underscore and hyphen, and optionally
 * the suffix `#ephemeral`, which counts towards the length.
 *
 * Thread: any. Source: nsq `protocol.IsValidTopicName`.
 */

declare const topicBrand: unique symbol;
declare const channelBrand: unique symbol;

/** A valid topic name. */
export type TopicName = string & { readonly [topicBrand]: true };
/** A valid channel name. */
export type ChannelName = string & { readonly [channelBrand]: true };

const NAME_LENGTH_MAX = 64;
const NAME = /^[.a-zA-Z0-9_-]+(#ephemeral)?$/;
const EPHEMERAL_SUFFIX = '#ephemeral';

/** The text as a topic name, or undefined if it is not valid. */
export function parseTopicName(text: string): TopicName | undefined {
  return isValidName(text) ? (text as TopicName) : undefined;
}

/** The text as a channel name, or undefined if it is not valid. */
export function parseChannelName(text: string): ChannelName | undefined {
  return isValidName(text) ? (text as ChannelName) : undefined;
}

/**
 * Whether a topic or channel of this name keeps nothing on disk and is deleted when unused; its queues have the same
 * suffix.
 */
export function isEphemeral(name: string): boolean {
  return name.endsWith(EPHEMERAL_SUFFIX);
}

function isValidName(text: string): boolean {
  return text.length > 0 && text.length <= NAME_LENGTH_MAX && NAME.test(text);
}
