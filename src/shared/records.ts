/**
 * The records in the rings between the main thread and a pump thread: every type and its layout.
 *
 * All fields are words of 32 bits in the machine's order, addressed as `words[(offset >>> 2) + FIELD]`; what follows
 * the fields are bytes as they are on the wire. A value of 64 bits is two words, high before low. "Consumer" is a
 * subscribed connection's number, "topic" a topic's number; main assigns both and never uses a number twice. A token
 * identifies an answer that main waits for; 0 means that it waits for none.
 *
 *   publish ring   main → pump   PUBLISH
 *   command ring  main → pump   FINISH REQUEUE TOUCH READY CREDIT BARRIER CONTROL DEAD_LETTERED
 *   deliver ring   pump → main   FRAMES REFUSED ANSWER REPLY EVENT HOLD DEAD_LETTERS
 *
 * The two rings to the pump are ordered where it matters: a CONTROL record carries the publish ring's position at
 * which it was written, and takes effect after everything published before that position and before everything
 * published after it.
 */

import { assert } from './assert.ts';

/**
 * Messages for one topic, as received.
 *
 * Shape: topic, count, token, deferMs, timestamp (high, low; Unix time in ns), first, followingCount, followingBytes,
 * 1 if they must be in files before they are answered, then `count` times size(4, big-endian) body(size): the body of
 * an MPUB after its count, or of a PUB including its size.
 *
 * A publication with a token may take several records, each with a token of its own, and is accepted or refused as a
 * whole at the first of them. In that one `first` is 0; in the others it is the token of the first. The last two
 * fields tell how much follows.
 */
export const PUBLISH = 1;
export const PUBLISH_TOPIC = 0;
export const PUBLISH_COUNT = 1;
export const PUBLISH_TOKEN = 2;
export const PUBLISH_DEFER_MS = 3;
export const PUBLISH_TIMESTAMP = 4;
export const PUBLISH_FIRST = 6;
export const PUBLISH_FOLLOWING_COUNT = 7;
export const PUBLISH_FOLLOWING_BYTES = 8;
export const PUBLISH_TO_DISK = 9;
export const PUBLISH_WORDS = 10;

/** Finished messages of one consumer. Shape: consumer, then an id (high, low) for each message. */
export const FINISH = 2;
export const FINISH_CONSUMER = 0;
export const FINISH_IDS = 1;

/** A message to put back. Shape: consumer, id (high, low), delayMs. */
export const REQUEUE = 3;
export const REQUEUE_CONSUMER = 0;
export const REQUEUE_ID = 1;
export const REQUEUE_DELAY_MS = 3;

/** A message whose timeout restarts. Shape: consumer, id (high, low). */
export const TOUCH = 4;
export const TOUCH_CONSUMER = 0;
export const TOUCH_ID = 1;

/** A consumer's ready count. Shape: consumer, count. */
export const READY = 5;
export const READY_CONSUMER = 0;
export const READY_COUNT = 1;

/** Bytes of frames that a consumer's socket has accepted since the last such record. Shape: consumer, bytes. */
export const CREDIT = 6;
export const CREDIT_CONSUMER = 0;
export const CREDIT_BYTES = 1;

/** Asks for an ANSWER after everything that was sent before on the command ring. Shape: token. */
export const BARRIER = 7;
export const BARRIER_TOKEN = 0;

/** A piece of an encoded request (`control.ts`). Shape: publish position, token, 1 if more pieces follow; bytes. */
export const CONTROL = 8;
export const CONTROL_POSITION = 0;
export const CONTROL_TOKEN = 1;
export const CONTROL_MORE = 2;
export const CONTROL_WORDS = 3;

/** The outcome of a batch of dead letters. Shape: token, 1 if their topic has stored them. */
export const DEAD_LETTERED = 9;
export const DEAD_LETTERED_TOKEN = 0;
export const DEAD_LETTERED_KEPT = 1;

/** Message frames for one consumer, ready for its socket. Shape: consumer, count of messages; bytes. */
export const FRAMES = 16;
export const FRAMES_CONSUMER = 0;
export const FRAMES_COUNT = 1;
export const FRAMES_WORDS = 2;

/** A FIN, REQ or TOUCH that failed. Shape: consumer, the command's record type, a REFUSED_ reason, id (high, low). */
export const REFUSED = 17;
export const REFUSED_CONSUMER = 0;
export const REFUSED_COMMAND = 1;
export const REFUSED_REASON = 2;
export const REFUSED_ID = 3;
export const REFUSED_WORDS = 5;

/**
 * No consumer holds this message: it is unknown, already finished or requeued, timed out, or its channel was emptied.
 */
export const REFUSED_NOT_IN_FLIGHT = 1;
/** Another consumer holds this message. */
export const REFUSED_NOT_OWNER = 2;

/** The outcome of a PUBLISH with a token, or of a BARRIER. Shape: token, 1 for success; error text (UTF-8). */
export const ANSWER = 18;
export const ANSWER_TOKEN = 0;
export const ANSWER_OK = 1;
export const ANSWER_WORDS = 2;

/** A piece of an encoded reply to a CONTROL request. Shape: token, 1 if more pieces follow; bytes. */
export const REPLY = 19;
export const REPLY_TOKEN = 0;
export const REPLY_MORE = 1;
export const REPLY_WORDS = 2;

/** An event of the pump or of a disk thread (`control.ts`). Shape: bytes. */
export const EVENT = 20;

/**
 * Too much of a topic is on its way to the disk: main must send it no publishes until another such record allows
 * them.
 * Shape: topic, 1 to stop or 0 to continue.
 */
export const HOLD = 21;
export const HOLD_TOPIC = 0;
export const HOLD_ON = 1;
export const HOLD_WORDS = 2;

/**
 * Messages that go to another topic. Shape: token, count of messages, bytes of the head; the head (`DeadLetterHead` in
 * `control.ts`), then the messages as disk records.
 */
export const DEAD_LETTERS = 22;
export const DEAD_LETTERS_TOKEN = 0;
export const DEAD_LETTERS_COUNT = 1;
export const DEAD_LETTERS_HEAD_BYTES = 2;
export const DEAD_LETTERS_WORDS = 3;

/** Bytes of a record's fields. */
export function fieldBytes(words: number): number {
  return words * 4;
}

assert(PUBLISH_TIMESTAMP + 2 === PUBLISH_FIRST, 'a timestamp is two words');
assert(PUBLISH_TO_DISK + 1 === PUBLISH_WORDS, 'the fields of PUBLISH follow each other');
assert(REFUSED_ID + 2 === REFUSED_WORDS, 'the fields of REFUSED follow each other');
