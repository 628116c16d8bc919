/**
 * The loop of a disk thread: it executes the requests of its pumps on their disk queues, and syncs the queues when a
 * sync is due.
 *
 * A turn first syncs, then handles requests link by link, a bounded amount of work for each, and then makes appends
 * durable whose publishers wait for that (`GroupCommit`). A request whose answer has no room stays in the ring, and so
 * do later ones on that link.
 *
 * Bound: per turn the syncs of `QueueSyncs`, and for each link `REQUESTS_PER_TURN` requests and `BYTES_PER_TURN` bytes
 * written or read, although the last request may exceed this. Open files as in `OpenFiles`. An idle queue costs only
 * its object.
 *
 * Errors: errors of file calls become answers or log lines; `step` throws only on a bug.
 * Thread: disk.
 * Source: go-diskqueue `ioLoop`; one for many queues.
 */

import { AssertionError, assert } from '../../shared/assert.ts';
import { EMPTY } from '../../shared/ring/ring.ts';
import {
  APPEND,
  APPENDED,
  CLOSE,
  DELETE,
  DELETED,
  EMPTIED,
  EMPTY_QUEUE,
  END,
  FINISH,
  OPEN,
  OPENED,
  QUEUE,
  QUEUE_WORDS,
  READ,
  READ_BYTES,
  RECORDS,
  RECORDS_WORDS,
  REREAD,
  REREAD_DONE,
  SURVEY,
  UPDATE,
} from '../disk-records.ts';
import type { DiskQueueOptions } from './disk-queue-options.ts';
import { errorWithCauses } from './files/file-error.ts';
import type { FileSystem } from './files/file-system.ts';
import { OpenFiles } from './files/open-files.ts';
import { SegmentIndex } from './files/segment-index.ts';
import { SharedSyncs } from './files/shared-syncs.ts';
import { SidecarPatience } from './files/sidecar-patience.ts';
import { GroupCommit } from './journal/group-commit.ts';
import type { JournalBounds } from './journal/journal-file.ts';
import { type KnownQueue, KnownQueues } from './known-queues.ts';
import { ClosingQueues, CommitAnswers } from './late-answers.ts';
import { PumpLink, type PumpLinkOptions, type RecordsType, recordsRoom } from './pump-link.ts';
import { appendOf, forEachFinish, forEachUpdate, rereadOf } from './pump-requests.ts';
import { QueueSyncs } from './queue-syncs.ts';
import { recordBytesMax } from './records/disk-record.ts';
import { answerSurvey } from './survey-request.ts';

const REQUESTS_PER_TURN = 256;
const BYTES_PER_TURN = 1024 * 1024;

/** The rings of a disk thread, and its options. */
export interface IoLoopOptions {
  /** One for each pump thread. */
  readonly links: readonly PumpLinkOptions[];
  readonly fileSystem: FileSystem;
  readonly dataPath: string;
  readonly maxBytesPerFile: number;
  readonly maxMsgSize: number;
  readonly syncEvery: number;
  readonly syncTimeoutMs: number;
  /** Number of this disk thread. */
  readonly thread: number;
  /** The default if not given. */
  readonly journalBounds?: JournalBounds | undefined;
}

/** Whether a request was handled, or stays because its answer has no room. */
type Outcome = 'taken' | 'blocked';

export class IoLoop {
  /** When the loop needs its next turn even if its bell does not ring; Infinity if never. Units: ms, monotonic. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** Whether all pumps have ended. */
  isDone = false;

  readonly #links: readonly PumpLink[];
  readonly #fileSystem: SharedSyncs;
  readonly #queueOptions: DiskQueueOptions;
  readonly #queues: KnownQueues;
  readonly #commits: GroupCommit<KnownQueue>;
  readonly #syncs: QueueSyncs;
  readonly #closing: ClosingQueues;
  readonly #commitAnswers = new CommitAnswers();
  /** Index of the first link of the next turn. */
  #firstLink = 0;
  #nowMs = 0;
  /** Bytes that the current link may still read or write. */
  #bytesLeft = 0;

  constructor(options: IoLoopOptions) {
    this.#links = options.links.map((link) => new PumpLink(link));
    this.#fileSystem = new SharedSyncs(options.fileSystem);
    this.#queueOptions = {
      ...options,
      fileSystem: this.#fileSystem,
      openFiles: new OpenFiles(this.#fileSystem),
      index: new SegmentIndex(this.#fileSystem, options.dataPath),
      patience: new SidecarPatience(),
    };
    this.#queues = new KnownQueues(this.#links, this.#queueOptions);
    this.#commits = new GroupCommit({
      ...options,
      fileSystem: this.#fileSystem,
      nameOf: (known) => known.name,
      syncQueue: (known) => this.#syncs.syncForCommits(known, 'now'),
      onSyncFailed: (known, error) => this.#syncs.onSynced(known, error),
      log: (level, text) => this.#links.at(0)?.log(level, text),
    });
    this.#syncs = new QueueSyncs(this.#queues, this.#commits, options.syncTimeoutMs);
    this.#closing = new ClosingQueues({
      mayAnswer: (link) => !this.#commitAnswers.isWaiting(link),
      onClosed: (known) => this.#commits.onSynced(known),
      onAnswered: (known) => this.#forget(known),
      onStillOpen: (known) => this.#syncs.plan(known),
    });
    const longest = RECORDS_WORDS * 4 + recordsRoom(recordBytesMax(options.maxMsgSize));
    for (const { replies } of options.links) {
      assert(longest <= replies.lengthMax, 'the largest record fits the reply ring');
    }
  }

  /**
   * Does a bounded amount of work. Returns the number of requests handled and queues synced; 0: there was nothing to
   * do.
   */
  step(nowMs: number): number {
    this.#nowMs = nowMs;
    this.#queueOptions.patience.nowMs = nowMs;
    this.#fileSystem.beginTurn();
    let done = this.#syncs.step(nowMs);
    for (let index = 0; index < this.#links.length; index++) {
      done += this.#serve(this.#links[(this.#firstLink + index) % this.#links.length]);
    }
    if (this.#commits.isDue) {
      // Other answers need not wait for the sync.
      for (const link of this.#links) link.flush();
      this.#commits.commit();
    }
    this.#commitAnswers.tell(this.#commits.takeOutcomes());
    this.#firstLink = (this.#firstLink + 1) % this.#links.length;
    done += this.#closing.step(nowMs);
    this.#syncs.tell();
    for (const link of this.#links) link.flush();
    this.isDone = this.#links.every((link) => link.hasEnded);
    if (this.isDone) this.#commits.end();
    this.nextDeadlineMs = this.#syncs.nextMs(nowMs);
    return done;
  }

  /** Handles requests from one link. Returns how many. */
  #serve(link: PumpLink): number {
    let count = 0;
    this.#bytesLeft = BYTES_PER_TURN;
    link.requests.look();
    if (this.#commitAnswers.isWaiting(link)) return 0;
    while (count < REQUESTS_PER_TURN && this.#bytesLeft > 0) {
      const type = link.requests.front();
      if (type === EMPTY || this.#carryOut(link, type) === 'blocked') break;
      link.requests.pop();
      count++;
    }
    return count;
  }

  #carryOut(link: PumpLink, type: number): Outcome {
    if (type !== CLOSE && this.#closing.isClosing(link)) return 'blocked';
    if (type === END) return this.#end(link);
    if (type === OPEN) return this.#open(link);
    const known = this.#queues.ofRequest(link);
    switch (type) {
      case APPEND:
        return this.#answer(known, APPENDED, () => this.#append(known));
      case READ:
        return this.#answerRecords(known, RECORDS, () => this.#read(known));
      case REREAD:
        return this.#answerRecords(known, REREAD_DONE, () => this.#reread(known));
      case FINISH:
        return this.#finish(known);
      case UPDATE:
        return this.#update(known);
      case SURVEY:
        return this.#survey(known);
      case EMPTY_QUEUE:
        return this.#answerLast(known, EMPTIED, () => this.#empty(known));
      case CLOSE:
        this.#closing.add(known);
        return 'taken';
      case DELETE:
        return this.#answerLast(known, DELETED, () => this.#delete(known));
      default:
        throw new Error(`no such request: ${type}`);
    }
  }

  #end(link: PumpLink): Outcome {
    assert(this.#queues.count(link) === 0, 'the queues of a link are closed before it ends');
    link.hasEnded = true;
    return 'taken';
  }

  #open(link: PumpLink): Outcome {
    const { requests } = link;
    const number = requests.words[(requests.offset >>> 2) + QUEUE];
    const nameStart = requests.offset + QUEUE_WORDS * 4;
    const name = requests.bytes.toString('utf8', nameStart, requests.offset + requests.length);
    const known: KnownQueue = { number, name, link, queue: undefined, closingSinceMs: undefined };
    const outcome = this.#answer(known, OPENED, () => {
      // With many queues, most are empty. An empty queue is reopened from its files when it is needed.
      if (this.#queues.opened(known).isIdle) known.queue = undefined;
    });
    if (outcome === 'taken') this.#queues.add(known);
    return outcome;
  }

  #append(known: KnownQueue): void {
    const { requests } = known.link;
    const records = { bytes: requests.bytes, ...appendOf(requests) };
    this.#bytesLeft -= requests.length;
    const queue = this.#queues.opened(known);
    this.#commits.append(known, queue, records, records.isSynced, this.#nowMs);
  }

  #empty(known: KnownQueue): void {
    const queue = this.#queues.opened(known);
    this.#commits.drop(known, queue, this.#nowMs);
    queue.empty();
  }

  /** Handles a request whose answer has records. */
  #answerRecords(known: KnownQueue, type: RecordsType, work: () => Outcome): Outcome {
    const { link } = known;
    try {
      return work();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (!link.hasAnswerClaimed && !link.claimRecords(0, 0, false)) return 'blocked';
      link.answerNoRecords(type, known.number, known.queue, errorWithCauses(error));
      return 'taken';
    } finally {
      this.#syncs.plan(known);
    }
  }

  #read(known: KnownQueue): Outcome {
    const { link } = known;
    const bytesWanted = link.requests.words[(link.requests.offset >>> 2) + READ_BYTES];
    const queue = this.#queues.opened(known);
    for (;;) {
      const { mayHaveDueTimes } = queue;
      const wanted = Math.min(bytesWanted, link.recordsBytesMax(mayHaveDueTimes));
      const room = queue.prepareRead(wanted);
      if (!link.claimRecords(room, wanted, mayHaveDueTimes)) return 'blocked';
      if (room === 0) {
        link.answerNoRecords(RECORDS, known.number, queue, undefined);
        return 'taken';
      }
      const batch = queue.read(link.answers.bytes, link.recordsOffset, room);
      if (batch.count > 0) {
        this.#bytesLeft -= batch.bytes;
        link.answerRecords(known.number, queue, batch);
        return 'taken';
      }
      // The file has shrunk since `prepareRead`, or all of it is finished; the next call reads what is left.
      link.abandonAnswer();
    }
  }

  #reread(known: KnownQueue): Outcome {
    const { queue, link } = known;
    assert(queue !== undefined, 'what is read again was read');
    const { numbers, bytes } = rereadOf(link.requests);
    const plan = queue.reread.plan(numbers, Math.min(bytes, link.recordsBytesMax(true)));
    // Numbers take less room than due times.
    if (!link.claimRecords(plan.bytes, bytes, true)) return 'blocked';
    const batch = queue.reread.read(plan, link.answers.bytes, link.recordsOffset);
    this.#bytesLeft -= batch.bytes;
    link.answerReread(known.number, queue, batch);
    return 'taken';
  }

  #survey(known: KnownQueue): Outcome {
    const { maxMsgSize } = this.#queueOptions;
    const bytes = answerSurvey(known, () => this.#queues.opened(known), maxMsgSize);
    if (bytes < 0) return 'blocked';
    this.#bytesLeft -= bytes;
    this.#syncs.plan(known);
    return 'taken';
  }

  #finish(known: KnownQueue): Outcome {
    const { queue, link } = known;
    assert(queue !== undefined, 'what is finished was read');
    forEachFinish(link.requests, (first, count) => queue.finish(first, count));
    this.#syncs.plan(known);
    return 'taken';
  }

  #update(known: KnownQueue): Outcome {
    const { queue, link } = known;
    assert(queue !== undefined, 'what is updated was read');
    forEachUpdate(link.requests, (number, attempts, due) => queue.update(number, attempts, due));
    this.#syncs.plan(known);
    return 'taken';
  }

  #delete(known: KnownQueue): void {
    try {
      const queue = this.#queues.opened(known);
      this.#commits.drop(known, queue, this.#nowMs);
      queue.delete();
    } catch (error) {
      this.#queueOptions.index.forget();
      throw error;
    } finally {
      this.#forget(known);
    }
  }

  #forget(known: KnownQueue): void {
    this.#syncs.forget(known);
    this.#queues.forget(known);
  }

  /** As `#answer`, once the outcome of all earlier appends is reported. */
  #answerLast(known: KnownQueue, type: number, work: () => void): Outcome {
    if (this.#commits.isDue) this.#commits.commit();
    this.#commitAnswers.tell(this.#commits.takeOutcomes());
    if (this.#commitAnswers.isWaiting(known.link)) return 'blocked';
    return this.#answer(known, type, work);
  }

  /** Handles a request with an answer other than RECORDS, once there is room for the answer. */
  #answer(known: KnownQueue, type: number, work: () => void): Outcome {
    if (!known.link.claimAnswer()) return 'blocked';
    let text: string | undefined;
    try {
      work();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      text = errorWithCauses(error);
    }
    if (type === APPENDED) this.#syncs.onWritten(known, text !== undefined);
    known.link.answer(type, known.number, known.queue, text);
    this.#syncs.plan(known);
    return 'taken';
  }
}
