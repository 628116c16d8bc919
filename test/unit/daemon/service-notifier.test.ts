import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceNotifier } from '../../../src/daemon/service-notifier.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function setUp(environment: Record<string, string>) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const warnings: string[] = [];
  const ends: ((error: string | null) => void)[] = [];
  const manager = new ServiceNotifier({
    environment,
    pid: 42,
    clock,
    logger: { warn: (text) => void warnings.push(text) },
    run: (words, onEnd) => {
      sent.push(words.join(' '));
      ends.push(onEnd);
    },
  });
  const end = (error: string | null = null): void => ends.shift()?.(error);
  return { clock, manager, sent, warnings, end };
}

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

test('ServiceNotifier: does nothing without a service manager', () => {
  const { clock, manager, sent } = setUp({ WATCHDOG_USEC: '1000000' });
  manager.ready();
  clock.advance(10_000);
  manager.stopping();

  assert.deepStrictEqual(sent, []);
  assert.equal(clock.timerCount, 0);
});

test('ServiceNotifier: says that the program is ready, and that it ends', () => {
  const { manager, sent, end } = setUp(SOCKET);
  manager.ready();
  end();
  manager.stopping();

  assert.deepStrictEqual(sent, ['MAINPID=42 READY=1', 'MAINPID=42 STOPPING=1']);
});

test('ServiceNotifier: shows that it is alive twice in each period, until it ends', () => {
  const { clock, manager, sent, end } = setUp({ ...SOCKET, WATCHDOG_USEC: '30000000' });
  manager.ready();
  end();
  for (let seconds = 0; seconds < 45; seconds++) {
    clock.advance(1000);
    end();
  }
  manager.stopping();
  clock.advance(60_000);

  assert.deepStrictEqual(sent.slice(1), [
    'MAINPID=42 WATCHDOG=1',
    'MAINPID=42 WATCHDOG=1',
    'MAINPID=42 WATCHDOG=1',
    'MAINPID=42 STOPPING=1',
  ]);
});

test('ServiceNotifier: ignores the watchdog of another process', () => {
  const { clock, manager } = setUp({ ...SOCKET, WATCHDOG_USEC: '1000', WATCHDOG_PID: '41' });
  manager.ready();

  assert.equal(clock.timerCount, 0);
});

test('ServiceNotifier: messages go one by one, and a failure is logged once', () => {
  const { clock, manager, sent, warnings, end } = setUp({ ...SOCKET, WATCHDOG_USEC: '2000000' });
  manager.ready();
  // Nothing takes them meanwhile: each kind waits once.
  clock.advance(5000);
  const before = [...sent];
  end('no such program');
  end('no such program');

  assert.deepStrictEqual(before, ['MAINPID=42 READY=1']);
  assert.deepStrictEqual(sent.slice(1), ['MAINPID=42 WATCHDOG=1']);
  assert.deepStrictEqual(warnings, [
    'failed to notify systemd, it may end the broker - no such program',
  ]);
});

test('ServiceNotifier: a failure after a message that was taken is logged again', () => {
  const { clock, manager, warnings, end } = setUp({ ...SOCKET, WATCHDOG_USEC: '2000000' });
  manager.ready();
  for (const error of ['first', 'first', null, 'second', 'second']) {
    end(error);
    clock.advance(1000);
  }

  assert.deepStrictEqual(
    warnings.map((text) => text.split(' - ')[1]),
    ['first', 'second'],
  );
});

test('ServiceNotifier: the end waits for nothing, and nothing follows it', () => {
  const { manager, sent, end } = setUp(SOCKET);
  manager.ready();
  manager.stopping();
  end();

  assert.deepStrictEqual(sent, ['MAINPID=42 READY=1', 'MAINPID=42 STOPPING=1']);
});
