/**
 * A disk queue's life from a seed: its operations, when a file call fails, when the process is killed or the power
 * fails, and what then remains of the disk.
 *
 * Errors: throws the violation, with the seed, the previous operations and the command that repeats it.
 * Thread: any.
 */

import { DATA_PATH, type DiskQueueLimits } from '../support/disk-queue-setup.ts';
import type { FaultKind } from '../support/fault-injector.ts';
import type { Chooser } from '../support/memory-file.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import { OLDEST } from './crash-checks.ts';
import { checkHealed, emptyAgain } from './fault-checks.ts';
import { type Durability, type NewRecord, QueueLife } from './queue-life.ts';
import type { CrashKind } from './record-book.ts';

/** The results of a run. */
export interface LifeFigures {
  readonly operations: number;
  readonly crashes: number;
  readonly failedCalls: number;
  /** How often a queue has read records again because it could not know that they were finished. */
  readonly readsAgain: number;
}

/** The parameters of a run. */
export interface LifeOptions {
  readonly seed: number;
  readonly operations: number;
  /** Whether file calls fail. */
  readonly hasFaults: boolean;
  /** Whether some appends wait for stable storage, and processes end while they recover from that. */
  readonly isDurable?: boolean;
  readonly print?: (line: string) => void;
}

const KINDS: readonly FaultKind[] = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES', 'short'];
const DUE_MS = 1_800_000_000_000;
/** Operations that an error shows. */
const SHOWN = 30;

/** Runs one seed. Errors: see above. */
export function runLife(options: LifeOptions): LifeFigures {
  const random = randomOf(options.seed);
  const told: string[] = [];
  const life = new QueueLife(new MemoryFileSystem(DATA_PATH), drawLimits(random));
  const figures = { operations: 0, failedCalls: 0 };
  try {
    while (figures.operations < options.operations) {
      figures.operations++;
      const failedBefore = life.faults.failedCount;
      const what = takeStep(life, random, options);
      figures.failedCalls += Math.max(0, life.faults.failedCount - failedBefore);
      told.push(`${figures.operations} ${what}`);
      options.print?.(`${figures.operations} ${what}`);
    }
    checkHealed(life);
    return { ...figures, crashes: life.crashCount, readsAgain: life.readAgainCount };
  } catch (cause) {
    const { seed, operations, hasFaults, isDurable } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const replay = `node scripts/crash-disk.ts --seed ${seed} --operations ${operations} --trace`;
    const faults = `${hasFaults ? '' : ' --no-faults'}${isDurable ? ' --durable' : ''}`;
    const history = told.slice(-SHOWN).join('\n');
    throw new Error(
      `seed ${seed}, operation ${figures.operations}: ${reason}\n${history}\nreplay: ${replay}${faults}`,
      { cause },
    );
  }
}

/** The first random numbers of neighbouring seeds are similar. */
function randomOf(seed: number): Random {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  for (let round = 0; round < 5; round++) random(2);
  return random;
}

function drawLimits(random: Random): DiskQueueLimits {
  return {
    maxBytesPerFile: 50 + random(600),
    maxMsgSize: 4096,
    syncEvery: [2500, 1 + random(20)][random(2)],
    openFilesMax: 1 + random(5),
  };
}

/** Takes one step. Returns its description, for debugging. */
function takeStep(life: QueueLife, random: Random, options: LifeOptions): string {
  if (life.mustSync && random(2) === 0) return `due sync${outcome(life.sync())}`;
  const dice = random(100);
  if (dice < 28) return put(life, random, options.isDurable === true);
  if (dice < 48) return `read${outcome(life.read(1 + random(400)))}`;
  if (dice < 66) return finish(life, random);
  if (dice < 74) return update(life, random);
  if (dice < 82) return `sync${outcome(life.sync())}`;
  if (dice < 85) return `close and open${outcome(life.reopen())}`;
  if (dice < 86) return `delete${outcome(life.delete())}`;
  if (dice < 87) {
    emptyAgain(life);
    return 'empty';
  }
  if (dice < 93 && options.hasFaults) return changeFaults(life, random);
  return crash(life, random, options);
}

function put(life: QueueLife, random: Random, isDurable: boolean): string {
  const records: NewRecord[] = Array.from({ length: 1 + random(6) }, () => ({
    bodyBytes: [random(20), random(200), random(1500)][random(3)],
    dueMs: random(3) === 0 ? DUE_MS + random(1000) : 0,
  }));
  const sizes = records.map(({ bodyBytes, dueMs }) => `${bodyBytes}${dueMs > 0 ? 'd' : ''}`);
  const durability: Durability = isDurable && random(3) > 0 ? 'durable' : 'written';
  return `put ${durability} ${sizes.join(' ')}${outcome(life.put(records, durability))}`;
}

function finish(life: QueueLife, random: Random): string {
  if (life.unackedCount === 0) return 'nothing to finish';
  const index = [0, life.unackedCount - 1, random(life.unackedCount)][random(3)];
  const count = Math.min(life.unackedCount - index, [1, 1 + random(20)][random(2)]);
  return `finish ${count} from ${index} of ${life.unackedCount}${outcome(life.finish(index, count))}`;
}

function update(life: QueueLife, random: Random): string {
  if (life.unackedCount === 0) return 'nothing to update';
  const index = random(life.unackedCount);
  const state = { attempts: 1 + random(100), dueMs: random(2) === 0 ? 0 : DUE_MS + random(1000) };
  return `update ${index}: ${state.attempts}, ${state.dueMs}${outcome(life.update(index, state))}`;
}

function changeFaults(life: QueueLife, random: Random): string {
  if (random(2) === 0) {
    life.faults.heal();
    return 'the disk is well';
  }
  const fault = {
    kind: KINDS[random(KINDS.length)],
    after: random(12),
    times: [1, 1 + random(5), Number.POSITIVE_INFINITY][random(3)],
  };
  life.faults.fail(fault);
  return `${fault.kind} after ${fault.after} calls, ${fault.times} times`;
}

/** A crash between two operations, or at one of the file calls of another operation. */
function crash(life: QueueLife, random: Random, options: LifeOptions): string {
  const kind: CrashKind = random(2) === 0 ? 'kill' : 'power loss';
  const choose = [OLDEST, random][random(2)];
  if (random(3) === 0) {
    life.crash(kind, choose);
    return kind;
  }
  life.isWatched = true;
  const during = takeStep(life, random, { ...options, hasFaults: false });
  life.isWatched = false;
  life.isWatched = options.isDurable === true;
  const at = crashInLast(life, random, kind, choose);
  life.isWatched = false;
  if (at === undefined) return `${during}, no ${kind}`;
  if (options.isDurable !== true || random(3) > 0) return `${during}, ${kind} ${at}`;
  const again: CrashKind = random(2) === 0 ? 'kill' : 'power loss';
  const next = crashInLast(life, random, again, choose);
  return `${during}, ${kind} ${at}, ${next === undefined ? 'no' : next} ${again} while opening`;
}

/** A crash at one of the file calls of the last operation. Returns where; undefined if there was none. */
function crashInLast(
  life: QueueLife,
  random: Random,
  kind: CrashKind,
  choose: Chooser,
): string | undefined {
  const points = life.points.filter(({ disks }) => disks.length > 0);
  if (points.length === 0) return undefined;
  const point = points[random(points.length)];
  const index = random(point.disks.length);
  life.crashAt(kind, choose, point, index);
  return `at its change ${index} of ${point.disks.length}`;
}

function outcome(error: Error | undefined): string {
  return error === undefined ? '' : ': failed';
}
