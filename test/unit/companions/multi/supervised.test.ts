import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChildListener, LaunchChild } from '../../../../src/companions/multi/child-program.ts';
import { Supervised } from '../../../../src/companions/multi/supervised.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const PORTS = { tcpPort: 1, httpPort: 2 };

/** A process that the test plays. */
function setUp() {
  const clock = new ManualClock();
  const children: ChildListener[] = [];
  const events: string[] = [];
  const launch: LaunchChild = (words, listener) => {
    events.push(`start ${words.join(' ')}`);
    children.push(listener);
    return { pid: children.length, signal: (name) => events.push(name) };
  };
  const log = (text: string): void => void events.push(text);
  const logger = { info: log, warn: log, error: log };
  const onLine = (name: string, line: string): void => void events.push(`${name} says ${line}`);
  const supervised = new Supervised({ name: 'b', words: ['w'], launch, clock, logger, onLine });
  const child = (): ChildListener => children[children.length - 1];
  return { clock, events, supervised, child };
}

test('Supervised: a crash is named, and the restarts come later and later', async () => {
  const { clock, events, supervised, child } = setUp();
  const started = supervised.start();
  child().onServing(PORTS);
  await started;

  child().onEnded({ code: null, signal: 'SIGKILL' });
  const while1 = [supervised.state, supervised.serving, supervised.pid];
  clock.advance(250);
  child().onLine('hello');
  child().onEnded({ code: 1, signal: null });
  clock.advance(499);
  const launches = events.filter((event) => event === 'start w').length;
  clock.advance(1);
  child().onServing(PORTS);

  assert.deepEqual(while1, ['waiting', null, undefined]);
  assert.equal(launches, 2);
  assert.deepEqual(events, [
    'start w',
    'b has crashed: it was killed by SIGKILL; it starts again in 250 ms',
    'start w',
    'b says hello',
    'b has crashed: it ended with exit code 1; it starts again in 500 ms',
    'start w',
  ]);
  assert.deepEqual(
    [supervised.state, supervised.serving, supervised.restarts, supervised.pid],
    ['serving', PORTS, 2, 3],
  );
});

test('Supervised: the delay has a bound, and begins again after a stable time', async () => {
  const { clock, events, supervised, child } = setUp();
  void supervised.start();
  child().onServing(PORTS);
  const crash = (): string => {
    child().onEnded({ code: 1, signal: null });
    return /in (\d+) ms/.exec(events[events.length - 1])?.[1] ?? '';
  };

  const delays: string[] = [];
  for (let count = 0; count < 9; count++) {
    delays.push(crash());
    clock.advance(30_000);
    child().onServing(PORTS);
  }
  clock.advance(59_999);
  const early = crash();
  clock.advance(30_000);
  child().onServing(PORTS);
  clock.advance(60_000);
  const late = crash();

  const wanted = ['250', '500', '1000', '2000', '4000', '8000', '16000', '30000', '30000'];
  assert.deepEqual([...delays, early, late], [...wanted, '30000', '250']);
});

test('Supervised: a process that never serves is not started again', async () => {
  const { clock, events, supervised, child } = setUp();
  const started = supervised.start();

  child().onEnded({ code: 1, signal: null });

  await assert.rejects(started, /^Error: b cannot start: it ended with exit code 1$/);
  await supervised.ended;
  clock.advance(60_000);
  assert.deepEqual(events, ['start w']);
});

test('Supervised: one that ends cleanly stays down', async () => {
  const { clock, events, supervised, child } = setUp();
  void supervised.start();
  child().onServing(PORTS);

  child().onEnded({ code: 0, signal: null });

  await supervised.ended;
  clock.advance(60_000);
  assert.deepEqual(events, ['start w', 'b has ended cleanly, and is not started again']);
  assert.equal(supervised.state, 'ended');
});

test('Supervised: it ends with the signal, is hurried by a second one, and says how it ended', async () => {
  const { events, supervised, child } = setUp();
  void supervised.start();
  child().onServing(PORTS);

  supervised.end('SIGTERM');
  const ending = supervised.state;
  supervised.end('SIGINT');
  child().onEnded({ code: 1, signal: null });

  await supervised.ended;
  supervised.end('SIGTERM');
  assert.equal(ending, 'ending');
  assert.deepEqual(events, [
    ...['start w', 'SIGTERM', 'SIGINT'],
    'b did not end cleanly: it ended with exit code 1',
  ]);
  assert.deepEqual(supervised.lastEnding, { code: 1, signal: null });
});

test('Supervised: one that waits for its restart ends at once', async () => {
  const { clock, events, supervised, child } = setUp();
  void supervised.start();
  child().onServing(PORTS);
  child().onEnded({ code: 1, signal: null });

  supervised.end('SIGTERM');

  await supervised.ended;
  clock.advance(60_000);
  assert.equal(events.filter((event) => event === 'start w').length, 1);
});

test('Supervised: a signal that asks for no end goes only to a process that is there', async () => {
  const { events, supervised, child } = setUp();
  void supervised.start();
  child().onServing(PORTS);

  supervised.signal('SIGHUP');
  child().onEnded({ code: 0, signal: null });
  supervised.signal('SIGHUP');

  await supervised.ended;
  assert.equal(events.filter((event) => event === 'SIGHUP').length, 1);
});
