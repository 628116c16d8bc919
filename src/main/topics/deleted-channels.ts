/**
 * Closes the consumers of deleted channels. A topic may have a hundred thousand channels, so this happens in slices for
 * those of a deleted topic.
 *
 * Bound: CHANNELS_PER_SLICE channels in one slice, with their consumers.
 * Thread: main.
 */

/** About a millisecond's work. */
const CHANNELS_PER_SLICE = 256;

/** A channel, with the numbers of its consumers. */
interface DeletedChannel {
  readonly members: Set<{ destroy(): void }>;
}

/** Closes the consumers of a channel, which its pump has deleted or is about to delete. */
export function destroyMembers({ members }: DeletedChannel): void {
  const destroyed = [...members];
  // The pump removes a channel's consumers with the channel, so they need not leave one by one.
  members.clear();
  for (const member of destroyed) member.destroy();
}

/** Closes the consumers of all these channels, and then calls `onLeft` for each. For `inSlices`. */
export function* leaveChannels<Channel extends DeletedChannel>(
  channels: readonly Channel[],
  onLeft: (channel: Channel) => void,
): Generator<void, void> {
  for (const [index, channel] of channels.entries()) {
    if (index > 0 && index % CHANNELS_PER_SLICE === 0) yield;
    destroyMembers(channel);
    onLeft(channel);
  }
}
