/**
 * What must hold for a disk queue whose file calls fail for a while: operations that have returned are done, and when
 * the fault is gone the queue continues, without being reopened, with everything that it was given.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { DATA_PATH } from '../support/disk-queue-setup.ts';
import type { QueueLife } from './queue-life.ts';

/** Syncs that a queue may need to become well: one tells only of the first file that an earlier one has failed at. */
const SYNCS_MAX = 20;
const RETRIES_MAX = 10;
const ROOM_BYTES = 100_000;

/**
 * Drops all records, if need be again and again: a queue that was emptied in part holds what nobody can tell. A fault
 * that does not pass is healed for it.
 */
export function emptyAgain(life: QueueLife): void {
  for (let tries = 0; tries < RETRIES_MAX; tries++) if (life.empty() === undefined) return;
  life.faults.heal();
  assert.strictEqual(life.empty(), undefined, 'a queue is emptied once a fault is gone');
}

/** Heals the disk. The queue must continue and hold what it should; in the end it is empty. */
export function checkHealed(life: QueueLife): void {
  life.faults.heal();
  let error = life.sync();
  for (let syncs = 1; error !== undefined && syncs < SYNCS_MAX; syncs++) error = life.sync();
  assert.strictEqual(error, undefined, 'a queue is synced once a fault is gone');
  checkNothingPutAside(life);
  succeed(life.put([{ bodyBytes: 10, dueMs: 0 }]), 'appends');
  succeed(life.put([{ bodyBytes: 10, dueMs: 0 }], 'durable'), 'makes an append durable');
  readAll(life);
  succeed(life.reopen(), 'is closed and opened');
  readAll(life);
  succeed(life.finish(0, life.unackedCount), 'finishes');
  succeed(life.reopen(), 'is closed and opened');
  assert.strictEqual(life.unreadCount, 0, 'what is finished does not come back');
  checkNothingPutAside(life);
}

/** Reads everything, and compares it with the expected records. */
function readAll(life: QueueLife): void {
  while (life.unreadCount > 0) succeed(life.read(ROOM_BYTES), 'reads');
  succeed(life.read(ROOM_BYTES), 'reads');
}

function succeed(error: Error | undefined, what: string): void {
  assert.strictEqual(error, undefined, `a queue ${what} once a fault is gone`);
}

/** A segment with another name is out of reach. */
function checkNothingPutAside(life: QueueLife): void {
  // A record that a crash has torn is damage.
  if (life.crashCount > 0) return;
  const damaged = life.disk.names(DATA_PATH).filter((name) => name.includes('.bad'));
  assert.deepStrictEqual(damaged, [], 'no segment is taken for damaged');
}
