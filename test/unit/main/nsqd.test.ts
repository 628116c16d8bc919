import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Guard } from '../../../src/daemon/guard.ts';
import { memoryPlatform } from '../../../src/embedded/memory-platform.ts';
import { Nsqd } from '../../../src/main/nsqd.ts';
import type { Threads } from '../../../src/main/pumps/threads.ts';
import type { BrokerStorage } from '../../../src/main/storage/broker-storage.ts';
import type { Platform } from '../../../src/main/storage/platform.ts';
import { optionsWith } from '../../support/broker-turns.ts';
import { type Journal, journalLogger } from '../../support/journal.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { channelNamed, topicNamed } from '../../support/names.ts';
import { reaches } from '../../support/reaches.ts';

const ANY_PORT = '127.0.0.1:0';
const STORE_PATIENCE_MS = 5000;
const THREAD_END_MS = 500;
/** What the broker does with its parts, and when it listens; other lines of its log are left out. */
const STEPS =
  /^(?:step: .*|INFO: (?:TCP: listening|HTTP: listening|TCP: closed|NSQ: (?:closing|bye)).*)$/;

/** How a step of the platform differs from that of a broker in memory. */
type Steps = {
  lock?: () => Promise<void>;
  recovered?: Promise<readonly string[]>;
  open?: () => Promise<void>;
  load?: BrokerStorage['load'];
  save?: () => Promise<void>;
  close?: () => Promise<string | null>;
  canClose?: () => boolean;
  destroy?: () => Promise<void>;
};

/** A broker in memory that keeps a journal of what it does with its platform. */
class Site {
  readonly clock = new ManualClock();
  readonly log: Journal;
  /** Makes a worker thread crash. */
  readonly crash = Promise.withResolvers<never>();
  /** How many pumps each closing of the storage was given. */
  readonly closed: number[] = [];
  readonly #steps: Steps;
  readonly #start: () => Promise<Nsqd>;

  constructor(steps: Steps = {}, given: Readonly<Record<string, unknown>> = {}) {
    this.#steps = steps;
    const { logger, log } = journalLogger();
    this.log = log;
    const { clock } = this;
    const context = { logger, clock, guard: new Guard(clock, logger) };
    const options = {
      ...optionsWith({
        ...{ dataPath: '/in-memory', pumpThreads: 1, diskThreads: 1 },
        ...{ tcpAddress: ANY_PORT, httpAddress: ANY_PORT, httpsAddress: '' },
        minFreeDisk: { kind: 'bytes', bytes: 0 },
        ...given,
      }),
    };
    this.#start = () => Nsqd.start(options, context, [], this.#platform());
  }

  start(): Promise<Nsqd> {
    return this.#start();
  }

  /** The journal of the broker's steps. Ports, which the system chooses, are left out. */
  get steps(): string[] {
    return this.log.matching(STEPS).map((line) =>
      line
        .replace(/^step: /, '')
        .replace(/^INFO: /, '')
        .replace(/ on .*/, ''),
    );
  }

  #note(step: string): void {
    this.log.add(`step: ${step}`);
  }

  #platform(): Platform {
    const memory = memoryPlatform(this.clock);
    return {
      textFiles: memory.textFiles,
      lock: async () => {
        this.#note('lock');
        await this.#steps.lock?.();
        return { release: async () => this.#note('unlock') };
      },
      startThreads: (options, pumpBytes) => {
        this.#note('start threads');
        return this.#threads(memory.startThreads({ ...options, natsUrl: '' }, pumpBytes));
      },
      makeStorage: (setup) => this.#storage(memory.makeStorage(setup)),
    };
  }

  #threads(threads: Threads): Threads {
    const { pumps, mainBell, diskPulses, gauges, ended } = threads;
    return {
      ...{ pumps, mainBell, diskPulses, gauges },
      recovered: this.#steps.recovered ?? threads.recovered,
      ended: Promise.race([ended, this.crash.promise]),
      canClose: () => this.#steps.canClose?.() ?? true,
      destroy: async () => {
        this.#note('end threads');
        await threads.destroy();
        await this.#steps.destroy?.();
      },
    };
  }

  #storage(storage: BrokerStorage): BrokerStorage {
    const { metadata, seen, failure } = storage;
    const steps = this.#steps;
    return {
      ...{ metadata, seen, failure },
      open: async () => {
        this.#note('open storage');
        await (steps.open?.() ?? storage.open());
      },
      load: async () => {
        this.#note('load topics');
        return await (steps.load?.() ?? storage.load());
      },
      save: async () => {
        this.#note('save topics');
        await (steps.save?.() ?? storage.save());
      },
      describe: (stats) => storage.describe(stats),
      close: async (pumps, queueError) => {
        this.#note('close storage');
        this.closed.push(pumps.length);
        return await (steps.close?.() ?? storage.close(pumps, queueError));
      },
      stop: () => {
        this.#note('stop storage');
        storage.stop();
      },
    };
  }
}

/** Lets everything happen that needs no time. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('Nsqd: it listens when everything is loaded, and ends in the order that loses nothing', async () => {
  const site = new Site();

  const nsqd = await site.start();
  const started = [...site.steps];
  const failure = await nsqd.close();

  assert.deepEqual(started, [
    'lock',
    'start threads',
    'open storage',
    'load topics',
    'save topics',
    'TCP: listening',
    'HTTP: listening',
  ]);
  assert.equal(failure, null);
  assert.deepEqual(site.steps.slice(started.length), [
    'NSQ: closing topics',
    'close storage',
    'stop storage',
    'end threads',
    'unlock',
    'NSQ: bye',
  ]);
  assert.deepEqual(site.closed, [1]);
});

test('Nsqd: the saved topics are there before it listens, and are not saved again on the way', async () => {
  const saved = [
    {
      name: topicNamed('orders'),
      isPaused: true,
      channels: [{ name: channelNamed('mail'), isPaused: false }],
    },
  ];
  const site = new Site({ load: async () => saved });
  const nsqd = await site.start();
  const { operations } = nsqd;
  const hasChannel = operations.hasChannel(topicNamed('orders'), channelNamed('mail'));
  const savedBefore = site.log.matching(/persisting/).length;

  await operations.createTopic(topicNamed('later'));
  await site.log.until(/persisting/);
  const found = site.log.matching(/data path|in memory:/);
  const failure = await nsqd.close();

  assert.equal(hasChannel, true);
  assert.equal(savedBefore, 0);
  assert.deepEqual(found, ['INFO: in memory: 1 topic, 1 channel, 0 messages, no data files']);
  assert.equal(failure, null);
});

test('Nsqd: what the journals gave back is logged before topics are loaded', async () => {
  const recovered = Promise.withResolvers<readonly string[]>();
  const site = new Site({ recovered: recovered.promise });
  const starting = site.start();
  await site.log.until(/open storage/);
  const before = site.log.matching(/load topics/);

  recovered.resolve(['one record was torn']);
  const nsqd = await starting;
  const lines = site.log.matching(/torn|load topics/);
  await nsqd.close();

  assert.deepEqual(before, []);
  assert.deepEqual(lines, ['WARNING: one record was torn', 'step: load topics']);
});

test('Nsqd: a data path that is taken starts nothing', async () => {
  const site = new Site({ lock: () => Promise.reject(new Error('another broker has it')) });

  await assert.rejects(site.start(), new Error('another broker has it'));

  assert.deepEqual(site.steps, ['lock']);
  assert.equal(site.clock.timerCount, 0);
});

test('Nsqd: whatever step of the start fails, its reason is told, and nothing remains or is written', async () => {
  const fail = (): Promise<never> => Promise.reject(new Error('it cannot'));
  const cases: [failing: () => Steps, last: string][] = [
    [() => ({ open: fail }), 'open storage'],
    [() => ({ recovered: fail() }), 'open storage'],
    [() => ({ load: fail }), 'load topics'],
    [() => ({ save: fail }), 'save topics'],
  ];
  for (const [failing, last] of cases) {
    const site = new Site(failing());

    await assert.rejects(site.start(), new Error('it cannot'));

    const steps = site.steps.slice(site.steps.indexOf(last));
    assert.deepEqual(steps, [last, 'stop storage', 'end threads', 'unlock']);
    // The loops of a broker in memory end a turn later.
    await turns();
    assert.equal(site.clock.timerCount, 0);
    assert.deepEqual(site.log.matching(/listening|persisting/), []);
  }
});

test('Nsqd: when a port is taken, those that it has opened before are closed again', async (t) => {
  const other = createServer();
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const taken = other.address();
  assert.ok(taken !== null && typeof taken === 'object');
  const site = new Site({}, { httpAddress: `127.0.0.1:${taken.port}` });

  await assert.rejects(site.start(), /EADDRINUSE|in use/);

  const [tcp] = site.log.matching(/TCP: listening/);
  const port = Number(/:(\d+)$/.exec(tcp)?.[1]);
  assert.equal(await reaches(taken.port), true);
  assert.equal(await reaches(port), false);
  assert.deepEqual(site.steps.slice(-3), ['stop storage', 'end threads', 'unlock']);
  await turns();
  assert.equal(site.clock.timerCount, 0);
});

test('Nsqd: a thread that crashes ends the start, whatever step it hangs in', async () => {
  const site = new Site({ open: () => new Promise(() => undefined) });
  const starting = site.start();
  await site.log.until(/open storage/);

  site.crash.reject(new Error('out of memory'));

  await assert.rejects(starting, new Error('a worker thread has crashed - out of memory'));
  assert.deepEqual(site.steps.slice(-3), ['stop storage', 'end threads', 'unlock']);
});

test('Nsqd: a thread that crashes later is told, and rescue writes what the other pumps have', async () => {
  for (const canClose of [true, false]) {
    const site = new Site({ canClose: () => canClose });
    const nsqd = await site.start();
    const port = nsqd.operations.tcpPort;

    site.crash.reject(new Error('out of memory'));
    const reason = await nsqd.failed;
    const outcome = await nsqd.rescue();
    const wasListening = await reaches(port);
    await nsqd.release();

    assert.equal(reason.message, 'a worker thread has crashed - out of memory');
    assert.equal(outcome, canClose ? null : 'a thread has crashed');
    assert.deepEqual(site.closed, [canClose ? 1 : 0]);
    assert.equal(wasListening, false);
    assert.deepEqual(site.steps.slice(-4), [
      'close storage',
      'stop storage',
      'end threads',
      'unlock',
    ]);
  }
});

test('Nsqd: after a crash close never says that it is done', async () => {
  const closing = Promise.withResolvers<string | null>();
  const site = new Site({ close: () => closing.promise });
  const nsqd = await site.start();
  let isClosed = false;
  void nsqd.close().then(() => {
    isClosed = true;
  });
  await site.log.until(/close storage/);

  site.crash.reject(new Error('out of memory'));
  await nsqd.failed;
  closing.resolve(null);
  await turns();

  assert.equal(isClosed, false);
  assert.deepEqual(site.steps.slice(-1), ['close storage']);
  await nsqd.release();
});

test('Nsqd: what could not be written is told before threads end and the lock is released', async () => {
  const site = new Site({ close: async () => 'the disk is full' });
  const nsqd = await site.start();

  const failure = await nsqd.close();
  const before = site.steps.slice(-1);
  await nsqd.release();

  assert.equal(failure, 'the disk is full');
  assert.deepEqual(before, ['close storage']);
  assert.deepEqual(site.steps.slice(-3), ['stop storage', 'end threads', 'unlock']);
});

test('Nsqd: a thread that does not end holds the lock for half a second, not longer', async () => {
  const site = new Site({ destroy: () => new Promise(() => undefined) });
  const nsqd = await site.start();
  const closing = nsqd.close();
  await site.log.until(/end threads/);

  site.clock.advance(THREAD_END_MS - 1);
  await turns();
  const before = site.log.matching(/unlock/);
  site.clock.advance(1);

  assert.equal(await closing, null);
  assert.deepEqual(before, []);
  assert.deepEqual(site.steps.slice(-2), ['unlock', 'NSQ: bye']);
  await turns();
  assert.equal(site.clock.timerCount, 0);
});

test('Nsqd: a store that is not there holds the start up for five seconds, not longer', async () => {
  const site = new Site({}, { natsUrl: 'nats://127.0.0.1:1' });
  const starting = site.start();
  await site.log.until(/load topics/);
  await turns();

  site.clock.advance(STORE_PATIENCE_MS - 1);
  await turns();
  const before = site.log.matching(/save topics|listening/);
  site.clock.advance(1);
  const nsqd = await starting;
  const listening = site.log.matching(/listening/).length;
  const failure = await nsqd.close();

  assert.deepEqual(before, []);
  assert.equal(listening, 2);
  assert.equal(failure, null);
});
