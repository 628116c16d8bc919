/**
 * The records in the rings between a pump thread and the stream thread, which keeps replicated topics in a store that
 * several brokers share. Conventions, and everything that is not here, as in `disk-records.ts`.
 *
 *   request ring  pump → stream  OPEN_STREAM START APPEND PULL REST FINISH UPDATE PAUSE EMPTY_QUEUE
 *                               CLOSE DELETE SHARE END
 *   reply ring    stream → pump  OPENED STARTED APPENDED RECORDS PULLED FIGURES EMPTIED CLOSED DELETED
 *                               SHARED STATUS NEWS
 *
 * Requests are carried out side by side, except that those of one queue before it is open wait for that. FINISH,
 * UPDATE, REST, PAUSE and END have no answer. OPENED is repeated until it is ok.
 *
 * UPDATE gives a message back to the store: its due time is when it may be delivered again, by any broker. After CLOSE
 * the store has all messages of the queue back.
 *
 * In the answers "unread" are the messages that no broker has taken, and "deferred" those that other brokers hold or
 * that wait for their time in the store.
 */

import { ANSWER_WORDS } from './disk-records.ts';

/** Opens a topic or channel, which is created if the store has none. Shape: queue; `StreamName`, encoded. → OPENED */
export const OPEN_STREAM = 40;
/** Requests messages, as they come: up to this many, and about this many bytes. Shape: queue, count, bytes. → PULLED */
export const PULL = 41;
export const PULL_COUNT = 1;
export const PULL_BYTES = 2;
export const PULL_WORDS = 3;
/** Nobody wants messages any more: the pull ends early, and messages that still arrive go back. Shape: queue. */
export const REST = 42;
/** Pauses a topic or channel on every broker, or resumes it. Shape: queue, 1 if it is paused. */
export const PAUSE = 43;
export const PAUSE_ON = 1;
export const PAUSE_WORDS = 2;

/**
 * Creates a channel that begins with messages that the topic has kept.
 * Shape: queue of the topic; `StartedChannel`, encoded. → STARTED
 */
export const START = 44;

/** Sends a policy to all brokers. Shape: a queue that is not opened; `SharedPolicy`, encoded. → SHARED */
export const SHARE = 45;

/** A pull is over: the RECORDS before this contain all its messages. Shape: as OPENED, always ok. */
export const PULLED = 48;
/**
 * Sent unasked: the figures of a queue. Shape: as OPENED, always ok; then messages that it has ever had (high, low).
 */
export const FIGURES = 49;
export const FIGURES_MESSAGES = ANSWER_WORDS;
export const FIGURES_WORDS = ANSWER_WORDS + 2;
/** The channel is created, or cannot be. Shape: as OPENED. */
export const STARTED = 51;
/** The store has the policy, or refuses it. Shape: as OPENED. */
export const SHARED = 52;
/** A report of the store on topics, channels or itself. Shape: a `PumpEvent` (`control.ts`). */
export const NEWS = 50;
