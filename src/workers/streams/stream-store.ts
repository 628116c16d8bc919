/**
 * A store of replicated topics, as the stream loop sees it. Brokers share it: each of them sees all topics, and a
 * message is with one of them at a time.
 *
 * A topic keeps messages until all its channels have finished them, or as long as its retention says. A message that
 * its broker neither finishes, returns nor reports for some time goes to another broker.
 *
 * Thread: stream.
 */

import type { SharedPolicy, StartedChannel, StreamName } from '../../shared/control.ts';

/** Figures of a topic or channel, over all brokers. */
export type StreamFigures = {
  /** Messages that no broker has taken; of a topic, those that wait for its first channel. */
  readonly unread: number;
  /** Messages that brokers hold, or that wait for their time. */
  readonly taken: number;
  /** Messages that were ever published to the topic, or came to the channel. */
  readonly messages: number;
  /** The place of the last message that was handed out; of a topic, of the last one that it has, or 0. */
  readonly readTo: number;
  /** How often the channel has handed out a message. */
  readonly handed: number;
  /** Whether so many messages are taken that it hands out no more. */
  readonly isFull: boolean;
};

/** A message that was pulled. */
export type StoredMessage = {
  readonly body: Uint8Array;
  /** Its place in the topic, from 1; the same for every channel and broker. */
  readonly sequence: number;
  /** How often it was handed out, including this time, except for the first time if it was not due then. */
  readonly deliveries: number;
  /** When the store received it. Units: ns since 1970. */
  readonly timestampNs: bigint;
  /** When it is due. Units: Unix time in ms, 0 for at once. */
  readonly dueMs: number;
  /** Identifies the delivery to the store. */
  readonly receipt: string;
  /** Messages of the channel that no broker has taken yet. */
  readonly unread: number;
};

/** The listener of a pull. */
export type PullListener = {
  readonly onMessage: (message: StoredMessage) => void;
  /** Nothing more comes. */
  readonly onEnd: () => void;
};

/** A running pull. */
export interface Pull {
  /** Ends it early. Messages that arrive before `onEnd` must be returned. */
  cancel(): void;
}

/** The listener of a store. */
export type StoreListener = {
  /** The store is unavailable for this reason, or available again (null). */
  readonly onAbsence: (error: string | null) => void;
  /**
   * A topic (`channel` is empty) or channel exists, here or on another broker, and is paused or not; or it was deleted.
   */
  readonly onEntry: (topic: string, channel: string, state: 'running' | 'paused' | 'gone') => void;
  /** A broker has set or removed a policy, perhaps this one. */
  readonly onPolicy: (policy: SharedPolicy) => void;
  readonly log: (level: number, text: string) => void;
  /** Something has happened: the loop must take a turn. */
  readonly onNews: () => void;
};

export interface StreamStore {
  /** Why it cannot be used now, or null. What other brokers have done meanwhile may still be on its way. */
  readonly absence: string | null;

  /** Connects, with retries, and starts to call the listener. */
  start(listener: StoreListener): void;
  /** Creates the topic or channel if it does not exist. Errors: rejects with the reason, as all promises here. */
  open(name: StreamName): Promise<void>;
  /**
   * Creates a channel that starts with the messages that the topic has kept. Errors: rejects if it exists, or if the
   * topic has no retention.
   */
  startChannel(topic: string, channel: StartedChannel): Promise<void>;
  empty(name: StreamName): Promise<void>;
  delete(name: StreamName): Promise<void>;
  /** Other brokers learn of it; the listener is not called for it. */
  pause(name: StreamName, isPaused: boolean): Promise<void>;
  /** Null if the store does not have it, although no broker has reported its deletion. */
  figures(name: StreamName): Promise<StreamFigures | null>;
  /**
   * Makes a stalled channel hand out messages again, in another way at each attempt. Nothing is lost by it, but
   * finished messages may be redelivered. `handed`: as in its figures, so that brokers do not do it twice. Resolves
   * with what was done.
   */
  mend(name: StreamName, attempt: number, handed: number): Promise<string>;
  /** Sends a policy to all brokers. */
  sharePolicy(policy: SharedPolicy): Promise<void>;
  /**
   * Adds a message to a topic. `done` is called once, with null when the message is stored, or with the reason why it
   * is not.
   */
  publish(
    topic: string,
    body: Uint8Array,
    dueMs: number,
    done: (error: string | null) => void,
  ): void;
  /** Takes messages of a channel as they arrive: at most `count`, and about `bytes`. */
  pull(name: StreamName, count: number, bytes: number, listener: PullListener): Pull;
  finish(receipt: string): void;
  /** Returns a message, for delivery after the delay. Units: ms. */
  giveBack(receipt: string, delayMs: number): void;
  /** The message is still being handled: it must not go to another broker yet. */
  keep(receipt: string): void;
  /** Sends pending output, and disconnects. */
  close(): Promise<void>;
}
