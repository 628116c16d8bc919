/**
 * The loop of the stream thread: it carries out the pumps' requests for replicated topics on the store, and passes the
 * store's answers to the pumps.
 *
 * While the store is unavailable, publishes are refused with the reason, and everything else waits: opening queues is
 * retried, and pumps keep their messages until the store has given them to others.
 *
 * Bound: what pumps may have unanswered (`WriteBacklog`), and the messages that they have pulled.
 * Thread: stream.
 */

import { assert } from '../../shared/assert.ts';
import {
  decodeControl,
  type SharedPolicy,
  type StartedChannel,
  type StreamName,
} from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import { EMPTY } from '../../shared/ring/ring.ts';
import {
  APPEND,
  APPENDED,
  CLOSE,
  CLOSED,
  DELETE,
  DELETED,
  EMPTIED,
  EMPTY_QUEUE,
  END,
  FINISH,
  FINISH_RUN_WORDS,
  FINISH_RUNS,
  OPENED,
  QUEUE,
  QUEUE_WORDS,
  UPDATE,
  UPDATE_ENTRIES,
} from '../disk-records.ts';
import type { Loop } from '../run-loop.ts';
import {
  FIGURES,
  OPEN_STREAM,
  PAUSE,
  PAUSE_ON,
  PULL,
  PULL_BYTES,
  PULL_COUNT,
  PULLED,
  REST,
  SHARE,
  SHARED,
  START,
  STARTED,
} from '../stream-records.ts';
import { CountPoller } from './count-poller.ts';
import { StallWatch } from './stall-watch.ts';
import { LOG_WARNING, NO_FIGURES, StreamLink, type StreamLinkOptions } from './stream-link.ts';
import { StreamPauses } from './stream-pauses.ts';
import { type StreamClock, StreamQueue } from './stream-queue.ts';
import type { StreamStore } from './stream-store.ts';

/** Delay before the next attempt if the store could not open a queue. */
const RETRY_MS = 500;
/** How often the store is told that pumps still hold messages; it waits three times as long. */
const KEEP_MS = 5000;
/** Requests of a link in one turn. */
const REQUESTS_PER_TURN = 256;

/** The answers to requests to the store. */
type Done = typeof EMPTIED | typeof DELETED | typeof STARTED;

export class StreamLoop implements Loop {
  readonly #links: readonly StreamLink[];
  readonly #store: StreamStore;
  readonly #clock: StreamClock;
  readonly #queues = new Map<StreamLink, Map<number, StreamQueue>>();
  #keepMs = 0;
  readonly #poller: CountPoller;
  readonly #pauses: StreamPauses;
  readonly #wake: () => void;
  /** Pulls that wait until the store is available: at most one for each channel. */
  readonly #waitingPulls: (() => void)[] = [];
  #isClosing = false;
  #isClosed = false;

  /** `wake` makes sure that another turn follows. */
  constructor(
    links: readonly StreamLinkOptions[],
    store: StreamStore,
    clock: StreamClock,
    wake: () => void,
  ) {
    this.#links = links.map((link) => new StreamLink(link));
    this.#store = store;
    this.#clock = clock;
    this.#wake = wake;
    const warn = (queue: StreamQueue, text: string): void => this.#warn(queue, text);
    this.#pauses = new StreamPauses(store, () => clock.monotonicMs(), warn);
    const stalls = new StallWatch<StreamQueue>({
      store,
      onStalled: ({ link, name: { topic, channel } }) => {
        link.tell({ event: 'stalled', topic, channel });
      },
      warn,
    });
    this.#poller = new CountPoller({
      store,
      queues: () => this.#all(),
      onCounted: (queue) => this.#answer(queue, FIGURES, null),
      onMissing: (queue) => this.#onMissing(queue),
      onChannel: (queue, figures, end) => {
        const isOpen = queue.state === 'open' && !queue.isGone;
        if (isOpen) stalls.look(queue, figures, end, clock.monotonicMs());
      },
    });
    for (const link of this.#links) this.#queues.set(link, new Map());
    const [first] = this.#links;
    store.start({
      onNews: wake,
      log: (level, text) => first.log(level, text),
      onAbsence: (error) => {
        first.tell({ event: 'store', error });
        if (error === null) this.#onThere();
        wake();
      },
      onPolicy: (policy) => {
        first.tell({ event: 'policy', ...policy });
        wake();
      },
      onEntry: (topic, channel, state) => {
        if (state === 'gone') this.#forget(topic, channel);
        first.tell({ event: 'replicated', topic, channel, state });
        wake();
      },
    });
  }

  get isDone(): boolean {
    return this.#isClosed;
  }

  get nextDeadlineMs(): number {
    let next = Math.min(this.#keepMs, this.#poller.dueMs, this.#pauses.dueMs);
    for (const { state, openMs, isOpening, isGone } of this.#all()) {
      if (state === 'opening' && !isOpening && !isGone) next = Math.min(next, openMs);
    }
    return next;
  }

  step(nowMs: number): number {
    let work = 0;
    for (const link of this.#links) {
      work += this.#takeRequests(link);
      work += link.flush();
    }
    for (const queue of this.#all()) {
      const isDue = queue.state === 'opening' && !queue.isOpening && nowMs >= queue.openMs;
      if (isDue && !queue.isGone) this.#open(queue);
    }
    if (nowMs >= this.#keepMs) this.#keep(nowMs);
    if (nowMs >= this.#poller.dueMs) this.#poller.step(nowMs);
    this.#pauses.step(nowMs);
    this.#endIfDone();
    return work;
  }

  *#all(): Iterable<StreamQueue> {
    for (const queues of this.#queues.values()) yield* queues.values();
  }

  #takeRequests(link: StreamLink): number {
    const { requests } = link;
    if (!requests.look()) return 0;
    let count = 0;
    // While answers wait for room, so do requests.
    while (count < REQUESTS_PER_TURN && !link.isBlocked) {
      const type = requests.front();
      if (type === EMPTY) break;
      this.#take(link, type);
      requests.pop();
      count++;
    }
    return count;
  }

  #take(link: StreamLink, type: number): void {
    if (type === END) {
      link.hasEnded = true;
      return;
    }
    const { words, bytes, offset, length } = link.requests;
    const at = offset >>> 2;
    const number = words[at + QUEUE];
    const queues = this.#queues.get(link);
    assert(queues !== undefined, 'a link has its queues');
    const encoded = bytes.subarray(offset + QUEUE_WORDS * 4, offset + length);
    if (type === SHARE) {
      this.#share(link, number, decodeControl<SharedPolicy>(encoded));
      return;
    }
    if (type === OPEN_STREAM) {
      const name = decodeControl<StreamName>(encoded);
      const opened: StreamQueue = new StreamQueue(
        number,
        name,
        link,
        this.#store,
        this.#clock,
        (error) => this.#answer(opened, APPENDED, error),
      );
      queues.set(number, opened);
      return;
    }
    const queue = queues.get(number);
    assert(queue !== undefined, 'a request is for a queue that was opened');
    switch (type) {
      case APPEND:
        this.#append(queue);
        return;
      case PULL: {
        const count = words[at + PULL_COUNT];
        const room = words[at + PULL_BYTES];
        this.#whenOpen(queue, () => this.#pull(queue, count, room));
        return;
      }
      case REST:
        queue.rest();
        return;
      case FINISH:
        for (let word = FINISH_RUNS; word < length >>> 2; word += FINISH_RUN_WORDS) {
          queue.finish(words[at + word], words[at + word + 1]);
        }
        return;
      case UPDATE:
        queue.giveBackAt(words.subarray(at + UPDATE_ENTRIES, at + (length >>> 2)));
        return;
      case PAUSE: {
        const isPaused = words[at + PAUSE_ON] === 1;
        this.#whenOpen(queue, () => this.#pauses.set(queue, isPaused));
        return;
      }
      case EMPTY_QUEUE:
        queue.forgetAll();
        this.#whenOpen(queue, () => this.#carryOut(queue, EMPTIED, this.#store.empty(queue.name)));
        return;
      case START: {
        const channel = decodeControl<StartedChannel>(encoded);
        this.#whenOpen(queue, () => {
          this.#carryOut(queue, STARTED, this.#store.startChannel(queue.name.topic, channel));
        });
        return;
      }
      case DELETE:
        this.#delete(queue);
        return;
      case CLOSE:
        queue.giveAllBack();
        this.#end(queue, CLOSED, null);
        return;
      default:
        assert(false, 'a pump sends no other requests');
    }
  }

  #share(link: StreamLink, number: number, policy: SharedPolicy): void {
    const queue = { number, figures: NO_FIGURES };
    whenDone(this.#store.sharePolicy(policy), (error) => {
      link.answer(queue, SHARED, error);
      this.#wake();
    });
  }

  #append(queue: StreamQueue): void {
    queue.appends.take(queue.link.requests, this.#store.absence ?? queue.openError);
    if (queue.state === 'open') queue.appends.sendAll();
  }

  /** Continues with the open queues: `#count` finds out which of them the store has lost. */
  #onThere(): void {
    for (const queue of this.#all()) queue.openMs = 0;
    for (const pull of this.#waitingPulls.splice(0)) pull();
  }

  /** Begins a pull when the store is available. */
  #pull(queue: StreamQueue, count: number, bytes: number): void {
    if (queue.state === 'closed') return;
    if (this.#store.absence !== null) {
      this.#waitingPulls.push(() => this.#pull(queue, count, bytes));
      return;
    }
    queue.pull(count, bytes, () => this.#answer(queue, PULLED, null));
  }

  #delete(queue: StreamQueue): void {
    queue.forgetAll();
    if (queue.isGone) this.#end(queue, DELETED, null);
    else this.#carryOut(queue, DELETED, this.#store.delete(queue.name));
  }

  /** Answers when the store has done it. */
  #carryOut(queue: StreamQueue, type: Done, work: Promise<void>): void {
    whenDone(work, (error) => {
      if (type === DELETED) this.#end(queue, DELETED, error);
      else this.#answer(queue, type, error);
    });
  }

  /** Nothing follows the last answer to a queue. */
  #answer(queue: StreamQueue, type: number, error: string | null): void {
    if (queue.state === 'closed') return;
    queue.link.answer(queue, type, error);
    this.#wake();
  }

  #end(queue: StreamQueue, type: typeof CLOSED | typeof DELETED, error: string | null): void {
    queue.appends.end('the topic is deleted');
    this.#answer(queue, type, error);
    queue.state = 'closed';
    queue.waiting = [];
    this.#queues.get(queue.link)?.delete(queue.number);
  }

  #whenOpen(queue: StreamQueue, run: () => void): void {
    if (queue.state === 'open') run();
    else if (queue.state === 'opening') queue.waiting.push(run);
  }

  #open(queue: StreamQueue): void {
    queue.isOpening = true;
    whenDone(this.#store.open(queue.name), (error) => this.#onOpened(queue, error));
  }

  #onOpened(queue: StreamQueue, error: string | null): void {
    queue.isOpening = false;
    if (queue.state === 'closed') return;
    queue.openError = error;
    this.#answer(queue, OPENED, error);
    if (error !== null) {
      queue.openMs = this.#clock.monotonicMs() + RETRY_MS;
      queue.appends.refuseWaiting(error);
      return;
    }
    queue.state = 'open';
    this.#poller.add(queue);
    const { waiting } = queue;
    queue.waiting = [];
    queue.appends.sendAll();
    for (const run of waiting) run();
  }

  /** Another broker has deleted a topic, with its channels, or a channel. */
  #forget(topic: string, channel: string): void {
    for (const queue of this.#all()) {
      const { name } = queue;
      if (name.topic !== topic || (channel !== '' && name.channel !== channel)) continue;
      queue.isGone = true;
      queue.forgetAll();
    }
  }

  /** Tells the store which messages are still being handled. */
  #keep(nowMs: number): void {
    this.#keepMs = nowMs + KEEP_MS;
    if (this.#store.absence !== null) return;
    for (const queue of this.#all()) queue.keep(nowMs - KEEP_MS, nowMs);
  }

  /** A queue that the store has lost is created again, unless another broker has deleted it. */
  #onMissing(queue: StreamQueue): void {
    queue.state = 'opening';
    queue.openMs = this.#clock.monotonicMs() + RETRY_MS;
    this.#wake();
  }

  #warn({ link }: StreamQueue, text: string): void {
    link.log(LOG_WARNING, `STORE: ${text}`);
    this.#wake();
  }

  /** When all pumps have ended, the loop does. */
  #endIfDone(): void {
    if (this.#isClosing || !this.#links.every(({ hasEnded }) => hasEnded)) return;
    this.#isClosing = true;
    const end = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    this.#store.close().then(end, end);
  }
}

/** Calls back with null, or with the reason why it was not done. */
function whenDone(work: Promise<void>, done: (error: string | null) => void): void {
  work.then(
    () => done(null),
    (error: unknown) => done(errorText(error)),
  );
}
