import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { parsePortion } from '../../../../src/daemon/options/portion.ts';
import { DiskSpace, type Volume } from '../../../../src/main/limits/disk-space.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const MIB = 2 ** 20;

/** A volume of 1000 MiB, watched by a broker. */
class Watched {
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly shortages: (string | null)[] = [];
  readonly space: DiskSpace;
  freeMib: number;
  wholeMib = 1000;
  failure: Error | null = null;
  lookCount = 0;

  constructor(minFree: string, freeMib: number) {
    this.freeMib = freeMib;
    const portion = parsePortion(minFree);
    assert.ok(!(portion instanceof InvalidValue));
    this.space = new DiskSpace({
      path: '/data',
      minFree: portion,
      readVolume: (path) => this.#read(path),
      clock: this.clock,
      logger: {
        info: (text) => void this.log.push(`info ${text}`),
        warn: (text) => void this.log.push(`warn ${text}`),
        error: (text) => void this.log.push(`error ${text}`),
      },
      onShortage: (shortage) => void this.shortages.push(shortage),
    });
  }

  /** Lets time pass, in steps in which every look is answered. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.clock.advance(100);
      await setImmediate();
    }
  }

  async #read(path: string): Promise<Volume> {
    assert.equal(path, '/data');
    this.lookCount++;
    if (this.failure !== null) throw this.failure;
    return {
      bsize: 4096,
      blocks: (this.wholeMib * MIB) / 4096,
      bavail: (this.freeMib * MIB) / 4096,
    };
  }
}

test('DiskSpace: looks every second while there is plenty', async () => {
  const watched = new Watched('16MiB', 500);

  await watched.space.start();
  await watched.pass(3000);

  assert.deepStrictEqual([watched.lookCount, watched.shortages, watched.log], [4, [], []]);
});

test('DiskSpace: looks ten times as often when there is less than four times the bound', async () => {
  const watched = new Watched('16MiB', 63);

  await watched.space.start();
  await watched.pass(1000);

  assert.deepStrictEqual([watched.lookCount, watched.shortages], [11, []]);
});

test('DiskSpace: too little is told with the figures, from the first look on', async () => {
  const watched = new Watched('16MiB', 15.5);

  await watched.space.start();

  const shortage =
    '15.5MiB are free on the volume of "/data", too little for --min-free-disk=16MiB';
  assert.deepStrictEqual(watched.shortages, [shortage]);
  assert.deepStrictEqual(watched.log, [`error publishes are refused - ${shortage}`]);
});

test('DiskSpace: it is too little until there is a quarter more', async () => {
  const watched = new Watched('16MiB', 15);
  await watched.space.start();

  for (const freeMib of [16, 19, 15, 20]) {
    watched.freeMib = freeMib;
    await watched.pass(100);
  }
  watched.freeMib = 16;
  await watched.pass(100);

  assert.deepStrictEqual(
    watched.shortages.map((shortage) => shortage?.slice(0, 7) ?? null),
    ['15.0MiB', '16.0MiB', '19.0MiB', '15.0MiB', null],
  );
  assert.deepStrictEqual(watched.log.length, 2);
  assert.equal(watched.log[1], 'info publishes are accepted again - 20.0MiB are free');
});

test('DiskSpace: a share is one of the volume, and can be met again however large it is', async () => {
  const watched = new Watched('90%', 899);
  await watched.space.start();
  watched.freeMib = 949;
  await watched.pass(100);
  const before = watched.shortages.at(-1);

  watched.freeMib = 950;
  await watched.pass(100);

  assert.equal(
    before,
    '949.0MiB are free on the volume of "/data", too little for --min-free-disk=90% (900.0MiB)',
  );
  assert.equal(watched.shortages.at(-1), null);
});

test('DiskSpace: what cannot be found out is logged once, and refuses nothing', async () => {
  const watched = new Watched('16MiB', 1);
  await watched.space.start();
  watched.failure = new Error('ENOENT');

  await watched.pass(5000);

  assert.deepStrictEqual(watched.shortages.slice(1), [null]);
  assert.deepStrictEqual(watched.log.slice(1), [
    'warn free space of "/data" is not known - ENOENT',
    'info publishes are accepted again - free space is not known',
  ]);
});

test('DiskSpace: after a failure it is assessed again, and the next failure logged', async () => {
  const watched = new Watched('16MiB', 500);
  watched.failure = new Error('EIO');
  await watched.space.start();
  watched.failure = null;
  watched.freeMib = 1;
  await watched.pass(1000);
  watched.failure = new Error('EIO');
  await watched.pass(1000);

  assert.deepStrictEqual(
    watched.log.map((line) => line.split(' ')[0]),
    ['warn', 'error', 'warn', 'info'],
  );
});

test('DiskSpace: a volume without a size refuses nothing', async () => {
  const watched = new Watched('16MiB', 0);
  watched.wholeMib = 0;

  await watched.space.start();

  assert.deepStrictEqual(watched.shortages, []);
  assert.deepStrictEqual(watched.log, [
    'warn free space of "/data" is not known - the volume does not report its size',
  ]);
});

test('DiskSpace: without a bound it does not look', async () => {
  const watched = new Watched('0', 0);

  await watched.space.start();

  assert.deepStrictEqual([watched.lookCount, watched.clock.timerCount], [0, 0]);
});

test('DiskSpace: it stops, also in the middle of a look', async () => {
  const watched = new Watched('16MiB', 1);

  const starting = watched.space.start();
  watched.space.stop();
  await starting;

  assert.deepStrictEqual([watched.shortages, watched.clock.timerCount], [[], 0]);
});
