/**
 * What a message queue needs.
 *
 * Thread: pump.
 */

import type { Backend } from './backend/backend.ts';
import type { MessageStore } from './store/message-store.ts';
import type { DepthBound } from './topic-bound.ts';
import type { Undelivered } from './undelivered.ts';
import type { TagMeaning } from './waiting-memory.ts';

/** The dependencies of a queue. */
export type MessageQueueOptions = {
  /** Its name in the error that a refused publisher gets. */
  readonly title: string;
  readonly store: MessageStore;
  readonly backend: Backend;
  /** Most messages that it keeps in memory. */
  readonly memoryMax: number;
  readonly bound?: DepthBound;
  readonly tagMeaning?: TagMeaning;
  /** Handles messages that leave it undelivered. */
  readonly undelivered: Undelivered;
};
