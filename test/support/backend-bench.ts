/**
 * A disk queue's handle alone, over real rings, against a disk that the test plays.
 *
 * Thread: any.
 */

import { Receipt } from '../../src/workers/pump/backend/append-lane.ts';
import { DiskBackend } from '../../src/workers/pump/backend/disk-backend.ts';
import { DiskLink } from '../../src/workers/pump/backend/disk-link.ts';
import {
  type BacklogBounds,
  TopicBacklog,
  WriteBacklog,
} from '../../src/workers/pump/backend/write-backlog.ts';
import { MessageStore } from '../../src/workers/pump/store/message-store.ts';
import { DiskSide } from './disk-side.ts';
import { recordBytes } from './message-bytes.ts';
import { bodiesIn, putInStore } from './pump-parts.ts';

export interface BackendBenchOptions {
  readonly requestBytes: number;
  /** The limits on what may be on its way to the disk. */
  readonly backlogBounds: BacklogBounds | undefined;
  /** The owner of the queue: a topic keeps deferred messages among the others. */
  readonly owner: 'topic' | 'channel';
}

const DEFAULTS: BackendBenchOptions = {
  requestBytes: 4 * 1024 * 1024,
  backlogBounds: undefined,
  owner: 'channel',
};

/** Wall clock time at monotonic time 0. */
export const UNIX_MS = 1_000_000_000;

/** The queue `t:c`, number 1. */
export class BackendBench {
  readonly store: MessageStore;
  readonly disk: DiskSide;
  readonly link: DiskLink;
  readonly backend: DiskBackend;
  /** What the owner was told, and which callbacks were called. */
  readonly log: string[] = [];
  /** Positions and due times of the deferred messages that the owner has received. */
  readonly deferred: [position: number, dueMs: number][] = [];
  mayRead = true;
  hasRoom = true;
  nowMs = 0;

  constructor(options: Partial<BackendBenchOptions> = {}) {
    const { requestBytes, owner, backlogBounds } = { ...DEFAULTS, ...options };
    this.store = new MessageStore();
    this.disk = new DiskSide(requestBytes);
    const { requests, replies, bell } = this.disk.link;
    this.link = new DiskLink(requests, replies, bell, (level, text) => {
      this.log.push(`log ${level} ${text}`);
    });
    const onDeferred = (position: number, dueMs: number): void => {
      this.deferred.push([position, dueMs]);
    };
    this.backend = new DiskBackend({
      name: 't:c',
      store: this.store,
      link: this.link,
      backlog: new TopicBacklog(new WriteBacklog(backlogBounds), (isHeld) =>
        this.log.push(isHeld ? 'held' : 'released'),
      ),
      unixMsDue: () => UNIX_MS + this.nowMs,
      listener: {
        hasRoom: () => this.hasRoom,
        mayRead: () => this.mayRead,
        onStarved: () => this.log.push('starved'),
        onReadable: () => this.log.push('readable'),
        onPastDue: null,
        onDeferred: owner === 'channel' ? onDeferred : null,
        onHealth: (error) => this.log.push(`health ${error}`),
        onEnded: () => this.log.push('ended'),
      },
    });
  }

  /** Handles the answers and writes due requests. Returns the requests. */
  turn(): string[] {
    this.link.poll(this.nowMs);
    this.link.flush(this.nowMs);
    return this.disk.take();
  }

  /** A queue whose files are open and hold `unread` records. */
  open(unread = 0): this {
    const requests = this.turn();
    if (requests.join() !== 'OPEN 1 t:c') throw new Error(`a queue opens, not ${requests}`);
    this.disk.opened(1, unread);
    this.turn();
    this.log.length = 0;
    return this;
  }

  /** A queue that has fetched these bodies, whose records are numbered from `first` on. */
  withRecords(first: number, ...bodies: readonly string[]): this {
    this.open(bodies.length);
    this.backend.demand();
    this.turn();
    this.disk.records(1, bodies.map(record), 0, { first });
    this.turn();
    this.log.length = 0;
    return this;
  }

  put(...bodies: readonly string[]): number {
    return this.putDue(0, ...bodies);
  }

  /** Puts messages with these due times, counted from time 0; 0 for at once. */
  putDue(dueMs: number, ...bodies: readonly string[]): number {
    const position = putInStore(this.store, bodies);
    this.backend.put(position, bodies.length, 0, dueMs === 0 ? 0 : UNIX_MS + dueMs, null);
    return position;
  }

  /** Puts messages whose publisher waits. */
  putRefusable(name: string, ...bodies: readonly string[]): void {
    const receipt = this.receipt(true, name);
    this.backend.put(putInStore(this.store, bodies), bodies.length, 0, 0, receipt);
    receipt.seal();
  }

  /** As `putRefusable`, and the publisher waits for stable storage. */
  putSynced(name: string, ...bodies: readonly string[]): void {
    const onSettled = ({ error }: Receipt): void => void this.log.push(`${name}: ${error}`);
    const receipt = new Receipt(true, onSettled, true);
    this.backend.put(putInStore(this.store, bodies), bodies.length, 0, 0, receipt);
    receipt.seal();
  }

  receipt(isRefusable: boolean, name: string): Receipt {
    return new Receipt(isRefusable, ({ error }) => this.log.push(`${name}: ${error}`));
  }

  /** The results that `empty`, `close` or `delete` pass to their callbacks. */
  done(name: string): (error: string | null) => void {
    return (error) => this.log.push(`${name}: ${error}`);
  }

  /** Takes everything that is fetched. Returns the positions. */
  take(): number[] {
    const positions: number[] = [];
    while (this.backend.fetched.count > 0) {
      positions.push(this.backend.fetched.position);
      this.backend.take(1);
    }
    return positions;
  }

  /** As `take`, but returns the bodies, and drops the references. */
  takeBodies(): string[] {
    return this.take().flatMap((position) => {
      const bodies = bodiesIn(this.store, position, 1);
      this.store.release(position, 1);
      return bodies;
    });
  }
}

/** A disk record that was sent once; its id is made of the body's first bytes. */
export function record(body: string): Buffer {
  const id = Buffer.from(body).toString('hex').padEnd(16, '0').slice(0, 16);
  return recordBytes(1n, 1, id, body);
}
