/**
 * The topic or channel that a survey looks at, and what a survey needs of its pump.
 *
 * Thread: pump.
 */

import type { Channel } from '../channel.ts';
import type { Deferred } from '../deferred.ts';
import type { InFlight } from '../in-flight.ts';
import type { MessageQueue } from '../message-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { WallClock } from '../wall-clock.ts';

/** What the channels of a pump share. */
export type SurveyTables = {
  readonly store: MessageStore;
  readonly inFlight: InFlight;
  readonly deferred: Deferred;
  readonly wallClock: WallClock;
};

/** `channel` is null for the messages that wait in a topic itself. */
export type SurveyTarget = {
  readonly queue: MessageQueue;
  readonly channel: Channel | null;
};
