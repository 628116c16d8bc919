/** Every sequence of a few operations on a disk queue, cut off at every file call. */

import { test } from 'node:test';
import { DATA_PATH, type DiskQueueLimits } from '../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { freshSeed, seedCount, seededRandom } from '../support/seeded-random.ts';
import { CrashChecks, OLDEST } from './crash-checks.ts';
import { QueueLife } from './queue-life.ts';

/** Two small records fill a segment. */
const LIMITS: DiskQueueLimits = {
  maxBytesPerFile: 100,
  maxMsgSize: 4096,
  syncEvery: 2500,
  openFilesMax: 2,
};
const BODY_BYTES = 4;
const DUE_MS = 1_800_000_000_123;
const LATER_MS = 1_900_000_000_456;
const MIXTURES = 1;
const ALL_BYTES = 10_000;
/** One in four double kills is tried where not all are. */
const SHARES = 4;

const ONE = { bodyBytes: BODY_BYTES, dueMs: 0 };
const DEFERRED = { bodyBytes: BODY_BYTES, dueMs: DUE_MS };
/** As long as a segment may be. */
const LONG = { bodyBytes: 80, dueMs: 0 };

/** Operations by their names; those that have nothing to work on answer false. */
type Operations = Readonly<Record<string, (life: QueueLife) => unknown>>;

const OPERATIONS: Operations = {
  put: (life) => life.put([ONE]),
  'put deferred': (life) => life.put([DEFERRED]),
  'put two': (life) => life.put([ONE, ONE]),
  'put two, one deferred': (life) => life.put([ONE, DEFERRED]),
  'put and roll': (life) => life.put([LONG, ONE]),
  read: (life) => life.unreadCount > 0 && life.read(ALL_BYTES),
  'finish first': (life) => life.unackedCount > 0 && life.finish(0, 1),
  'finish last': (life) => life.unackedCount > 1 && life.finish(life.unackedCount - 1, 1),
  'update first': (life) =>
    life.unackedCount > 0 && life.update(0, { attempts: 7, dueMs: LATER_MS }),
  'update last': (life) =>
    life.unackedCount > 1 && life.update(life.unackedCount - 1, { attempts: 8, dueMs: 0 }),
  sync: (life) => life.sync(),
  empty: (life) => life.empty(),
  'close and open': (life) => life.reopen(),
  delete: (life) => life.delete(),
};

/** Those of a queue whose publishers wait for stable storage, beside others. */
const DURABLE_OPERATIONS: Operations = {
  ...OPERATIONS,
  'put durable': (life) => life.put([ONE], 'durable'),
  'put two durable, one deferred': (life) => life.put([ONE, DEFERRED], 'durable'),
  'put and roll durable': (life) => life.put([LONG, ONE], 'durable'),
};

/** What is done before the operations, and how many those are. */
interface Beginning {
  readonly name: string;
  readonly names: readonly string[];
  readonly length: number;
}

const BEGINNINGS: readonly Beginning[] = [
  { name: 'a queue without files', names: [], length: 3 },
  {
    name: 'records that are handed out',
    names: ['put two, one deferred', 'put', 'read'],
    length: 3,
  },
  {
    name: 'records that were updated, finished and synced',
    names: [
      ...['put two, one deferred', 'put two', 'put and roll', 'read'],
      ...['update last', 'finish last', 'sync'],
    ],
    length: 2,
  },
];

/** Runs operations on a new queue. Returns false when one of them has nothing to work on. */
function run(names: readonly string[], checks: CrashChecks, operations: Operations): boolean {
  const life = new QueueLife(new MemoryFileSystem(DATA_PATH), LIMITS);
  return explained(names.join('; '), () => {
    const isDone = runWatched(life, names, operations);
    if (isDone) checks.check(life);
    return isDone;
  });
}

/** Runs operations, and watches the last: all others are the last one of a shorter sequence. Returns as `run`. */
function runWatched(
  life: QueueLife,
  names: readonly string[],
  operations: Operations = DURABLE_OPERATIONS,
): boolean {
  return names.every((name, index) => {
    life.isWatched = index === names.length - 1;
    return operations[name](life) !== false;
  });
}

/** Kills the process at every file call of the last operation, and again while the queue gets over that. */
function runTwice(names: readonly string[], then: string, checks: CrashChecks): void {
  for (let crash = 0; ; crash++) {
    const life = new QueueLife(new MemoryFileSystem(DATA_PATH), LIMITS);
    if (!runWatched(life, names)) return;
    const points = [...life.points, life.pointsNow()];
    const crashes = points.flatMap((point) => point.disks.map((_, index) => ({ point, index })));
    if (crash === crashes.length) return;
    const { point, index } = crashes[crash];
    explained(`${names.join('; ')}; crash ${crash}; ${then}`, () => {
      life.isWatched = false;
      life.crashAt('kill', OLDEST, point, index);
      if (runWatched(life, [then])) checks.check(life);
    });
  }
}

/** Errors: those of the work, with what was done. */
function explained<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what}: ${reason}`, { cause });
  }
}

/** All sequences that begin so. */
function runAll(
  names: readonly string[],
  length: number,
  checks: CrashChecks,
  operations: Operations,
): void {
  if (length === 0) return;
  for (const name of Object.keys(operations)) {
    const longer = [...names, name];
    if (run(longer, checks, operations)) runAll(longer, length - 1, checks, operations);
  }
}

for (const { name, names, length } of BEGINNINGS) {
  test(`DiskQueue: no crash in any ${length} operations breaks ${name}`, (t) => {
    const checks = new CrashChecks(LIMITS, MIXTURES);

    runAll(names, length, checks, OPERATIONS);

    t.diagnostic(
      `${checks.crashes} crashes, ${checks.count} disks, ${checks.damagedCount} damaged`,
    );
  });
}

const DURABLE_BEGINNINGS: readonly Beginning[] = [
  { name: 'a journal', names: ['put durable'], length: 2 },
  {
    name: 'a journal of records that are handed out',
    names: ['put two durable, one deferred', 'put', 'put durable', 'read', 'finish last'],
    length: 2,
  },
];

for (const { name, names, length } of DURABLE_BEGINNINGS) {
  test(`DiskQueue: no crash in any ${length} operations takes what is in ${name}`, (t) => {
    const checks = new CrashChecks(LIMITS, MIXTURES);

    runAll(names, length, checks, DURABLE_OPERATIONS);

    t.diagnostic(`${checks.crashes} crashes, ${checks.count} disks`);
  });
}

// All of them take as long as everything else here: a run tries those that its seed selects, and CI tries all.
test('DiskQueue: no second kill breaks what a first one has left', (t) => {
  const checks = new CrashChecks(LIMITS, MIXTURES, true);
  const seed = freshSeed();
  const random = seededRandom(seed);
  const shares = seedCount({ few: SHARES, many: 1 });

  for (const { names } of BEGINNINGS) {
    for (const name of Object.keys(OPERATIONS)) {
      for (const then of ['sync', 'put', 'close and open', 'delete']) {
        if (random(shares) > 0) continue;
        runTwice([...names, name], then, checks);
        runTwice([...names, name, 'sync'], then, checks);
      }
    }
  }

  t.diagnostic(`seed ${seed}, ${checks.crashes} crashes, ${checks.count} disks`);
});
