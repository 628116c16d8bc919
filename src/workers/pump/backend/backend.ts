/**
 * Receives messages that do not fit into the memory queue: a disk queue, or one that drops them.
 *
 * Seams: the simulator replaces `put`, `reread` and `delete` of an instance.
 * Thread: pump. Source: nsqd `BackendQueue`.
 */

import type { StartedChannel } from '../../../shared/control.ts';
import type { MemoryQueue } from '../store/memory-queue.ts';
import type { Receipt } from './append-lane.ts';
import type { BackendSurveys } from './backend-surveys.ts';

/** What only the store of replicated topics has. */
export interface ReplicatedSide {
  /** Messages that the topic or channel has ever had, over all brokers. */
  readonly messageCount: number;
  /**
   * Returns a message to the store, which hands it out again to any broker when it is due. The caller keeps its
   * reference. Units: `dueMs` Unix time in ms, 0 for at once.
   */
  giveBack(position: number, dueMs: number): void;
  /** No consumer is left: fetched messages go to other brokers. */
  rest(): void;
  /** Pauses or resumes the topic or channel on every broker. */
  setPaused(isPaused: boolean): void;
  /** Calls back with null when the store has the topic or channel, or with the reason why it cannot create it now. */
  whenStored(done: (error: string | null) => void): void;
  /**
   * Of a topic: creates a channel that starts with the messages that the topic has kept. Calls back with null, or with
   * the reason why it cannot.
   */
  startChannel(channel: StartedChannel, done: (error: string | null) => void): void;
}

export interface Backend {
  /** Whether it keeps its messages over a restart. */
  readonly isDurable: boolean;
  /** Null if the messages are local. */
  readonly replicated: ReplicatedSide | null;
  /** Messages that wait in it, including fetched ones, without those that have a due time. */
  readonly depth: number;
  /** Unread messages with a due time that are in the files or on their way there. */
  readonly deferredCount: number;
  /** Bytes of the messages that wait in it, as disk records. */
  readonly bytes: number;
  /** Messages that can be taken now. Each is taken with `take`. */
  readonly fetched: MemoryQueue;
  /** For surveys; null if there are no files. */
  readonly surveys: BackendSurveys | null;
  /** Whether nothing is on its way to or from the files. */
  readonly isSettled: boolean;
  /** Whether a message that is put now is likely to be written, or dropped, soon. */
  readonly isAccepting: boolean;

  /**
   * Takes over a run with its references. Every backend accepts everything at any time. A message with a due time
   * returns when it is due. Units: `dueMs` Unix time in ms, 0 for none.
   */
  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void;
  /** Fetches messages if there are any and none are fetched yet. */
  demand(): void;
  /** Removes messages from the oldest run of `fetched`; the caller gets their references. */
  take(count: number): void;
  /** Allows the files to drop these messages. Messages that did not come from the files are ignored. */
  finish(position: number, count: number): void;
  /**
   * Updates the attempts and the due time of a message from the files, in case it is read again. Units: Unix time in
   * ms, 0 for at once.
   */
  update(position: number, attempts: number, dueMs: number): void;
  /** Fetches a message that is only in the files again, by the number of its record. */
  reread(number: number): void;
  /** Drops everything. Calls back with null, or with an error. */
  empty(done: (error: string | null) => void): void;
  /** Closes it permanently and keeps its messages. Calls back as `empty`. */
  close(done: (error: string | null) => void): void;
  /** Removes it with its files. Calls back as `empty`. */
  delete(done: (error: string | null) => void): void;
}
