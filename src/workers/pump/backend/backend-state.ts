/**
 * The state of a queue of another thread, a disk queue or a stream: whether it is about to be emptied, closed or
 * deleted, and whether it is healthy.
 *
 * Thread: pump.
 */

import { CLOSE, DELETE, EMPTY_QUEUE } from '../../disk-records.ts';
import type { DiskRequests } from './disk-requests.ts';

/** Gets null, or why it could not be done. */
export type Done = (error: string | null) => void;

type Ending = { readonly request: typeof CLOSE | typeof DELETE; readonly done: Done };

/**
 * Empties, closes and deletes a queue of another thread: which requests are wanted and which are sent, and who waits
 * for the answers.
 *
 * Bound: the requests of main.
 */
export class BackendEnd {
  /** Whether the other thread no longer has the queue, once it has read what was sent. */
  isSent = false;

  readonly #requests: Pick<DiskRequests, 'plain'>;
  /** Callbacks of unanswered emptyings; the requests of the last ones may be unsent. */
  readonly #emptyings: Done[] = [];
  #unsentEmptyings = 0;
  #ending: Ending | null = null;

  constructor(requests: Pick<DiskRequests, 'plain'>) {
    this.#requests = requests;
  }

  /** Whether it is to be closed or deleted, or is. */
  get isEnding(): boolean {
    return this.#ending !== null;
  }

  get isClosing(): boolean {
    return this.#ending?.request === CLOSE;
  }

  /** Whether answers of the other thread may be about messages that were dropped here. */
  get isEmptying(): boolean {
    return this.#emptyings.length > 0;
  }

  /** Whether writes that are answered now were sent before an emptying or the deletion. */
  get dropsWrites(): boolean {
    return this.isEmptying || this.#ending?.request === DELETE;
  }

  empty(done: Done): void {
    this.#emptyings.push(done);
    this.#unsentEmptyings++;
  }

  close(done: Done): void {
    this.#ending = { request: CLOSE, done };
  }

  delete(done: Done): void {
    this.#ending = { request: DELETE, done };
  }

  /** The oldest emptying is done. Returns its callback. */
  takeEmptying(): Done | undefined {
    return this.#emptyings.shift();
  }

  /** The queue no longer exists: makes all pending callbacks. */
  finish(error: string | null): void {
    for (const done of this.#emptyings.splice(0)) done(error);
    this.#ending?.done(error);
  }

  /** Writes EMPTY_QUEUEs. Returns false if the ring is full. */
  sendEmptyings(): boolean {
    for (; this.#unsentEmptyings > 0; this.#unsentEmptyings--) {
      if (!this.#requests.plain(EMPTY_QUEUE)) return false;
    }
    return true;
  }

  /** Writes CLOSE, which waits for pending writes, or DELETE. Returns false if the ring is full. */
  send(unwrittenCount: number): boolean {
    if (this.#ending === null || (this.isClosing && unwrittenCount > 0)) return true;
    if (!this.#requests.plain(this.#ending.request)) return false;
    this.isSent = true;
    return true;
  }
}

/** The operations that can fail. */
export type HealthConcern = 'write' | 'read' | 'sync';

/** Whether a disk queue is healthy: its last write, read and sync have succeeded. */
export class BackendHealth {
  readonly #onChange: (error: string | null) => void;
  readonly #errors: Record<HealthConcern, string | null> = { write: null, read: null, sync: null };
  #error: string | null = null;

  /** `onChange` gets the reason when the queue becomes unhealthy, and null when it recovers. */
  constructor(onChange: (error: string | null) => void) {
    this.#onChange = onChange;
  }

  /** Whether nothing has failed. */
  get isWell(): boolean {
    return this.#error === null;
  }

  set(concern: HealthConcern, error: string | null): void {
    this.#errors[concern] = error;
    this.#tell();
  }

  /** Clears all failures, because the queue no longer exists. */
  clear(): void {
    this.#errors.write = null;
    this.#errors.read = null;
    this.#errors.sync = null;
    this.#tell();
  }

  #tell(): void {
    const { write, read, sync } = this.#errors;
    const error = write ?? read ?? sync;
    if (error === this.#error) return;
    this.#error = error;
    this.#onChange(error);
  }
}
