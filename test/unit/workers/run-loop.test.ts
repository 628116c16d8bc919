import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateDoorbell, Doorbell } from '../../../src/shared/ring/doorbell.ts';
import { type Loop, runLoop } from '../../../src/workers/run-loop.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** What one turn does. */
type Turn = { readonly work: number; readonly nextMs?: number; readonly run?: () => void };

/** A loop that does what it is told, turn by turn, and ends with the last. */
class ScriptedLoop implements Loop {
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #turns: Turn[];
  readonly #log: string[];

  constructor(turns: readonly Turn[], log: string[]) {
    this.#turns = [...turns];
    this.#log = log;
  }

  get isDone(): boolean {
    return this.#turns.length === 0;
  }

  step(nowMs: number): number {
    const turn = this.#turns.shift();
    assert.ok(turn !== undefined, 'a loop that has ended is not stepped');
    this.#log.push(`step at ${nowMs}: ${turn.work}`);
    this.nextDeadlineMs = turn.nextMs ?? Number.POSITIVE_INFINITY;
    turn.run?.();
    return turn.work;
  }
}

/** Runs the loop on a clock that waits move. Returns what has happened; `counted` gets what the meter is told. */
function run(
  makeTurns: (bell: Doorbell, clock: ManualClock) => readonly Turn[],
  counted: string[] = [],
  mayDoze?: () => boolean,
): string[] {
  const log: string[] = [];
  const clock = new ManualClock(0);
  const bell = new Doorbell(allocateDoorbell());
  const realWait = bell.wait.bind(bell);
  bell.fallAsleep = () => {
    log.push('falls asleep');
    Doorbell.prototype.fallAsleep.call(bell);
  };
  bell.doze = () => {
    log.push('dozes');
    Doorbell.prototype.doze.call(bell);
  };
  bell.wakeUp = () => {
    log.push('wakes up');
    Doorbell.prototype.wakeUp.call(bell);
  };
  bell.wait = (rings, timeoutMs) => {
    if (bell.rings() !== rings) {
      log.push('was rung');
      // The real one must return at once.
      realWait(rings, 60_000);
      return;
    }
    log.push(`waits ${timeoutMs}`);
    clock.advance(timeoutMs);
  };
  const meter = {
    onTurn: (nowMs: number) => void counted.push(`turn at ${nowMs}`),
    show: (nowMs: number) => void counted.push(`shows at ${nowMs}`),
    onParked: (ms: number) => void counted.push(`parked ${ms}`),
  };
  runLoop(new ScriptedLoop(makeTurns(bell, clock), log), bell, clock, meter, mayDoze);
  return log;
}

/** The lines about waiting. */
function waits(log: readonly string[]): string[] {
  return log.filter((line) => !line.startsWith('step') && line !== 'wakes up');
}

test('runLoop: does not sleep while there is work, and ends with the loop', () => {
  const log = run(() => [{ work: 3 }, { work: 1 }, { work: 5 }]);

  assert.deepStrictEqual(log, ['step at 0: 3', 'step at 0: 1', 'step at 0: 5']);
});

test('runLoop: without work it says that it sleeps, looks once more, and waits for the deadline', () => {
  const log = run(() => [{ work: 0, nextMs: 900 }, { work: 0, nextMs: 250 }, { work: 1 }]);

  assert.deepStrictEqual(log, [
    'step at 0: 0',
    'falls asleep',
    'step at 0: 0',
    'waits 250',
    'wakes up',
    'step at 250: 1',
  ]);
});

test('runLoop: work that came while it fell asleep is done before it waits', () => {
  const log = run(() => [{ work: 0 }, { work: 2 }, { work: 1 }]);

  assert.deepStrictEqual(log, [
    'step at 0: 0',
    'falls asleep',
    'step at 0: 2',
    'wakes up',
    'step at 0: 1',
  ]);
});

test('runLoop: a bell that is rung after the second look ends the wait at once', () => {
  const log = run((bell) => [{ work: 0 }, { work: 0, run: () => bell.ring() }, { work: 1 }]);

  assert.deepStrictEqual(log, [
    'step at 0: 0',
    'falls asleep',
    'step at 0: 0',
    'was rung',
    'wakes up',
    'step at 0: 1',
  ]);
});

test('runLoop: dozes after work in quick succession, and sleeps after a doze without work', () => {
  const log = run(
    () => [
      // the first wait is long or short, as far as anybody knows
      ...[{ work: 1 }, { work: 0 }, { work: 0, nextMs: 3 }],
      // work has come after 3 ms
      ...[{ work: 1 }, { work: 0 }, { work: 0 }],
      // and within the doze
      ...[{ work: 1 }, { work: 0 }, { work: 0 }],
      // and no more
      ...[{ work: 0 }, { work: 0 }],
      { work: 1 },
    ],
    [],
    () => true,
  );

  assert.deepStrictEqual(waits(log), [
    ...['falls asleep', 'waits 3'],
    ...['dozes', 'waits 4'],
    ...['dozes', 'waits 4'],
    ...['falls asleep', 'waits 1000'],
  ]);
});

test('runLoop: does not doze after work that is sparse, nor while it may not', () => {
  let mayDoze = true;
  const log = run(
    () => [
      ...[{ work: 1 }, { work: 0 }, { work: 0, nextMs: 8 }],
      ...[{ work: 1 }, { work: 0 }, { work: 0, nextMs: 8 + 7 }],
      {
        work: 1,
        run: () => {
          mayDoze = false;
        },
      },
      ...[{ work: 0 }, { work: 0, nextMs: 900 }, { work: 1 }],
    ],
    [],
    () => mayDoze,
  );

  assert.deepStrictEqual(waits(log), [
    ...['falls asleep', 'waits 8'],
    ...['falls asleep', 'waits 7'],
    ...['falls asleep', 'waits 885'],
  ]);
});

test('runLoop: a deadline ends a doze before its time', () => {
  const log = run(
    () => [
      ...[{ work: 1 }, { work: 0 }, { work: 0, nextMs: 3 }],
      ...[{ work: 1 }, { work: 0 }, { work: 0, nextMs: 5 }],
      { work: 1 },
    ],
    [],
    () => true,
  );

  assert.deepStrictEqual(waits(log), ['falls asleep', 'waits 3', 'dozes', 'waits 2']);
});

test('runLoop: waits no longer than a second, and not at all for a deadline that has passed', () => {
  const log = run((_, clock) => [
    { work: 0 },
    { work: 0 },
    { work: 0, nextMs: 5 },
    { work: 0, nextMs: 5, run: () => clock.advance(0) },
    { work: 1 },
  ]);

  assert.deepStrictEqual(
    log.filter((line) => line.startsWith('waits')),
    ['waits 1000', 'waits 0'],
  );
});

test('runLoop: does not wait once the loop has ended', () => {
  const log = run(() => [{ work: 0 }, { work: 0 }]);

  assert.deepStrictEqual(log, ['step at 0: 0', 'falls asleep', 'step at 0: 0', 'wakes up']);
});

test('runLoop: its meter learns of turns with work and of waits, and shows its numbers before each wait', () => {
  const counted: string[] = [];
  run(
    () => [
      { work: 2 },
      { work: 0 },
      { work: 0, nextMs: 300 },
      { work: 1 },
      { work: 0 },
      { work: 3 },
      { work: 1 },
    ],
    counted,
  );

  assert.deepStrictEqual(counted, [
    'turn at 0',
    'shows at 0',
    'parked 300',
    'turn at 300',
    'turn at 300',
    'turn at 300',
  ]);
});

test('runLoop: what a turn throws ends it', () => {
  const turns = [
    {
      work: 0,
      run: (): never => {
        throw new Error('a bug');
      },
    },
  ];

  assert.throws(() => run(() => turns), /a bug/);
});
