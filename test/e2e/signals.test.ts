import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';

const LIMIT = {
  timeout: 120_000,
  skip: process.platform === 'win32' ? 'there are no POSIX signals' : false,
};
const IGNORED = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGPWR',
  'SIGXCPU',
];

test('signals that nsqd ignores change nothing, and open no inspector', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  await ask(broker, '/pub?topic=t', 'in memory');

  // Two rounds: after an answer to the second, those of the first have been delivered.
  for (const round of [1, 2]) {
    for (const name of IGNORED) {
      if (name in constants.signals) broker.signal(name as NodeJS.Signals);
    }
    assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' }, `round ${round}`);
  }

  assert.deepEqual(await broker.stop('SIGQUIT'), { code: 0, signal: null });
  assert.match(broker.log, /received SIGQUIT, ending\n.*NSQ: bye\n$/s);
  assert.doesNotMatch(broker.log, /Debugger|[Ii]nspector/);
});

test(
  'a CPU profile can be had although SIGPROF is ignored, which it is afterwards too',
  LIMIT,
  async (t) => {
    const broker = await new BrokerSite(t).start();

    const { status } = await ask(broker, '/debug/pprof/profile?seconds=1');
    broker.signal('SIGPROF');

    assert.equal(status, 200);
    assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  },
);

test('an inspector that options of Node have opened is warned of', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({ nodeFlags: ['--inspect=127.0.0.1:0'] });

  await broker.logged(
    /WARNING: Node's inspector listens on ws:\/\/127\.0\.0\.1:\d+\/\S+: anyone who reaches it/,
  );
});
