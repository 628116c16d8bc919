import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ConnectionDeadlines,
  Deadlines,
  type WatchedConnection,
} from '../../../../src/main/tcp/deadlines.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

/** A connection that notes what its deadlines call, and when, in ms from the start. */
class Watched implements WatchedConnection {
  isReading = true;
  hasPendingResponses = false;
  readonly output = { waitingBytes: 0, progress: 0 };
  readonly calls: string[] = [];
  /** Whether a read timeout closes the connection in order, as `Connection` does, instead of at once. */
  lingersOnTimeout = false;
  readonly clock = new ManualClock(0);
  readonly deadlines: ConnectionDeadlines;

  constructor() {
    const { clock } = this;
    const setup = { clock, deadlines: new Deadlines(clock), guard: strictGuard() };
    this.deadlines = new ConnectionDeadlines(setup, this, this.output);
  }

  onHeartbeat(): void {
    this.#note('heartbeat');
  }

  onReadTimeout(): void {
    this.#note('read timeout');
    if (this.lingersOnTimeout) this.deadlines.linger();
    else this.deadlines.remove();
  }

  onWriteTimeout(): void {
    this.#note('write timeout');
    this.deadlines.remove();
  }

  onLingerTimeout(): void {
    this.#note('linger timeout');
    this.deadlines.remove();
  }

  destroy(): void {
    this.#note('destroyed');
  }

  #note(what: string): void {
    this.calls.push(`${what} ${this.clock.monotonicMs()}`);
  }
}

test('ConnectionDeadlines: heartbeats come at the interval, the read deadline after two', () => {
  const watched = new Watched();
  watched.deadlines.start(1000);

  watched.clock.advance(10_000);

  assert.deepStrictEqual(watched.calls, ['heartbeat 1000', 'read timeout 2000']);
});

test('ConnectionDeadlines: a command postpones the read deadline when it expires', () => {
  const watched = new Watched();
  watched.deadlines.start(1000);
  watched.clock.advance(1500);
  watched.deadlines.noteCommand();

  watched.clock.advance(10_000);

  assert.deepStrictEqual(watched.calls, [
    'heartbeat 1000',
    'heartbeat 2000',
    'heartbeat 3000',
    'read timeout 3500',
  ]);
});

test('ConnectionDeadlines: an interval of 0 disables heartbeats and deadlines', () => {
  const watched = new Watched();
  watched.deadlines.start(1000);
  watched.deadlines.identify(0);

  watched.clock.advance(3_600_000);

  assert.deepStrictEqual([watched.calls, watched.clock.timerCount], [[], 0]);
});

test('ConnectionDeadlines: a second IDENTIFY moves the deadline and not the heartbeats', () => {
  const watched = new Watched();
  watched.deadlines.start(30_000);
  watched.deadlines.identify(1000);
  watched.deadlines.identify(2000);

  watched.clock.advance(10_000);

  assert.deepStrictEqual(watched.calls, [
    'heartbeat 1000',
    'heartbeat 2000',
    'heartbeat 3000',
    'read timeout 4000',
  ]);
});

test('ConnectionDeadlines: a client is not closed while the broker is the reason that it waits', () => {
  const watched = new Watched();
  watched.deadlines.start(10_000);
  watched.isReading = false;
  watched.clock.advance(25_500);
  const before = [...watched.calls];
  watched.isReading = true;

  watched.clock.advance(1000);

  assert.deepStrictEqual(before, ['heartbeat 10000', 'heartbeat 20000']);
  assert.deepStrictEqual(watched.calls.slice(2), ['read timeout 26000']);
});

test('ConnectionDeadlines: output without progress for a heartbeat interval is a write timeout', () => {
  const watched = new Watched();
  watched.deadlines.start(1000);
  watched.output.waitingBytes = 5;
  watched.output.progress = 1;
  watched.clock.advance(1000);
  watched.deadlines.noteCommand();

  watched.clock.advance(5000);

  assert.deepStrictEqual(watched.calls, ['heartbeat 1000', 'write timeout 2000']);
});

test('ConnectionDeadlines: no heartbeat follows a read timeout of the same moment', () => {
  const watched = new Watched();
  watched.lingersOnTimeout = true;
  watched.deadlines.start(1000);

  watched.clock.advance(2500);

  assert.deepStrictEqual(watched.calls, ['heartbeat 1000', 'read timeout 2000']);
});

test('ConnectionDeadlines: a closing connection is reset after 2 s without heartbeats', () => {
  const watched = new Watched();
  watched.deadlines.start(1000);
  watched.clock.advance(500);
  watched.deadlines.linger();

  watched.clock.advance(10_000);

  assert.deepStrictEqual(watched.calls, ['linger timeout 2500']);
});

test('ConnectionDeadlines: a closing connection waits for its output and its responses', () => {
  const watched = new Watched();
  watched.deadlines.start(1000);
  watched.deadlines.linger();
  watched.hasPendingResponses = true;
  watched.clock.advance(2000);
  watched.hasPendingResponses = false;
  watched.output.waitingBytes = 5;
  watched.output.progress = 1;
  watched.clock.advance(2000);
  const before = [...watched.calls];

  watched.clock.advance(2000);

  assert.deepStrictEqual([before, watched.calls], [[], ['linger timeout 6000']]);
});
