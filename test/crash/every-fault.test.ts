/** Histories of a disk queue in which each file call fails, one after the other, in each way in which it can. */

import { test } from 'node:test';
import { DATA_PATH, type DiskQueueLimits } from '../support/disk-queue-setup.ts';
import type { Fault, FaultKind } from '../support/fault-injector.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { CrashChecks } from './crash-checks.ts';
import { checkHealed, emptyAgain } from './fault-checks.ts';
import { QueueLife } from './queue-life.ts';

/** Two small records fill a segment. */
const LIMITS: DiskQueueLimits = {
  maxBytesPerFile: 100,
  maxMsgSize: 4096,
  syncEvery: 2500,
  openFilesMax: 2,
};
const KINDS: readonly FaultKind[] = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES', 'short'];
/** How many calls in a row fail; Infinity: all until the history is over. */
const TIMES: readonly number[] = [1, 3, Number.POSITIVE_INFINITY];
const ROOM_BYTES = 10_000;
const DUE_MS = 1_800_000_000_123;

const ONE = { bodyBytes: 4, dueMs: 0 };
const DEFERRED = { bodyBytes: 4, dueMs: DUE_MS };
const LONG = { bodyBytes: 80, dueMs: 0 };

type Step = (life: QueueLife) => unknown;

const read: Step = (life) => life.read(ROOM_BYTES);
const sync: Step = (life) => life.sync();
const reopen: Step = (life) => life.reopen();
const finish =
  (index: number): Step =>
  (life) =>
    life.unackedCount > index && life.finish(index, 1);
const update =
  (index: number, dueMs: number): Step =>
  (life) =>
    life.unackedCount > index && life.update(index, { attempts: 9, dueMs });

const HISTORIES: Readonly<Record<string, readonly Step[]>> = {
  'one that is filled and drained': [
    (life) => life.put([ONE, ONE]),
    sync,
    (life) => life.put([ONE]),
    read,
    finish(0),
    (life) => life.put([LONG, ONE]),
    sync,
    read,
    finish(0),
    finish(0),
    sync,
    finish(0),
  ],
  'one that is finished out of order': [
    (life) => life.put([ONE, DEFERRED, ONE]),
    read,
    update(0, DUE_MS + 1),
    finish(2),
    sync,
    (life) => life.put([DEFERRED]),
    read,
    finish(1),
    update(1, 0),
    sync,
    reopen,
    read,
  ],
  'one that is emptied and deleted': [
    (life) => life.put([ONE, LONG]),
    read,
    sync,
    emptyAgain,
    (life) => life.put([ONE, DEFERRED]),
    sync,
    read,
    finish(1),
    (life) => life.delete(),
    (life) => life.put([ONE]),
    sync,
    read,
  ],
  'one that is never synced': [
    (life) => life.put([LONG, LONG, ONE]),
    read,
    (life) => life.put([DEFERRED]),
    finish(1),
    update(0, DUE_MS + 2),
    (life) => life.put([LONG]),
    read,
    finish(0),
    reopen,
    (life) => life.put([ONE]),
    reopen,
    read,
  ],
};

/** Runs a history on a disk with this fault. Returns whether a call has failed. */
function run(steps: readonly Step[], fault: Fault, checks: CrashChecks): boolean {
  const life = new QueueLife(new MemoryFileSystem(DATA_PATH), LIMITS);
  try {
    life.faults.fail(fault);
    for (const step of steps) {
      step(life);
      // Before anything fails, all histories are the same one.
      if (life.faults.failedCount > 0) checks.check(life);
    }
    const hasFailed = life.faults.failedCount > 0;
    checkHealed(life);
    return hasFailed;
  } catch (cause) {
    const { kind, after, times } = fault;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${kind} after ${after} calls, ${times} times: ${reason}`, { cause });
  }
}

for (const [name, steps] of Object.entries(HISTORIES)) {
  test(`DiskQueue: no failing call breaks ${name}`, (t) => {
    const checks = new CrashChecks(LIMITS, 1);
    let faults = 0;

    for (const kind of KINDS) {
      for (const times of TIMES) {
        let after = 0;
        while (run(steps, { kind, after, times }, checks)) after++;
        faults += after;
      }
    }

    t.diagnostic(`${faults} faults, ${checks.crashes} crashes, ${checks.count} disks`);
  });
}
