import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../../../../src/daemon/guard.ts';
import type { Datagrams } from '../../../../../src/main/peers/statsd/datagrams.ts';
import {
  type StatsdOptions,
  StatsdReporter,
} from '../../../../../src/main/peers/statsd/statsd-reporter.ts';
import type { BrokerStats } from '../../../../../src/main/stats/stats.ts';
import { Journal, journalLogger } from '../../../../support/journal.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { brokerStatistics, topicStatistics } from '../../../../support/statistics.ts';

const ADDRESS = 'statsd:8125';
const OPTIONS: StatsdOptions = {
  broadcastAddress: 'b',
  statsdAddress: ADDRESS,
  statsdIntervalMs: 60_000,
  statsdMemStats: false,
  statsdPrefix: '',
  statsdUdpPacketSize: 508,
  statsdExcludeEphemeral: false,
};
const MEMORY = {
  heapObjects: 0,
  heapIdleBytes: 0,
  heapInUseBytes: 0,
  heapReleasedBytes: 0,
  gcPauseUsec100: 0,
  gcPauseUsec99: 0,
  gcPauseUsec95: 0,
  nextGcBytes: 0,
  gcTotalRuns: 0,
};

type Setup = {
  readonly reporter: StatsdReporter;
  readonly clock: ManualClock;
  readonly guard: Guard;
  readonly log: Journal;
  /** `open`, each datagram's text with the time since the start, `close`. */
  readonly sent: Journal;
  /** What goes wrong, or is waited for; a test may put its own here. */
  readonly hooks: {
    stats: () => Promise<BrokerStats>;
    open: () => Promise<void>;
    send: () => Promise<void>;
  };
};

function makeReporter(t: TestContext, changes: Partial<StatsdOptions> = {}): Setup {
  const clock = new ManualClock(0);
  const { logger, log } = journalLogger();
  const guard = new Guard(clock, logger);
  const sent = new Journal();
  let messageCount = 0;
  const hooks: Setup['hooks'] = {
    stats: async () => {
      messageCount += 10;
      return brokerStatistics([topicStatistics({ messageCount })]);
    },
    open: async () => undefined,
    send: async () => undefined,
  };
  const open = async (address: string): Promise<Datagrams> => {
    sent.add(`open ${address}`);
    await hooks.open();
    return {
      send: (packet) => {
        sent.add(`${clock.monotonicMs()} ${packet}`);
        return hooks.send();
      },
      close: () => sent.add('close'),
    };
  };
  const reporter = new StatsdReporter({
    options: { ...OPTIONS, ...changes },
    broadcastHttpPort: 4151,
    stats: () => hooks.stats(),
    memory: () => MEMORY,
    clock,
    guard,
    logger,
    open,
  });
  t.after(() => reporter.stop());
  return { reporter, clock, guard, log, sent, hooks };
}

/** Lets everything happen that waits for no time. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('StatsdReporter: the first report comes after the first interval, with everything so far', async (t) => {
  const { reporter, clock, log, sent } = makeReporter(t);

  reporter.start();
  clock.advance(59_999);
  await settled();
  const early = [...sent.lines];
  clock.advance(1);
  await sent.until(/close/);

  assert.deepStrictEqual(early, []);
  assert.deepStrictEqual(sent.lines, [
    `open ${ADDRESS}`,
    '60000 topic.alpha.message_count:10|c\ntopic.alpha.message_bytes:4|c\n' +
      'topic.alpha.depth:1|g\ntopic.alpha.backend_depth:2|g\n',
    'close',
  ]);
  assert.deepStrictEqual(log.lines, [`INFO: STATSD: pushing stats to ${ADDRESS}`]);
});

test('StatsdReporter: later reports have differences', async (t) => {
  const { reporter, clock, hooks, sent } = makeReporter(t);
  const topic = topicStatistics({ messageBytes: 5 });
  const reports = [12, 19, 2].map((messageCount) => ({ ...topic, messageCount }));
  hooks.stats = async () => brokerStatistics(reports.splice(0, 1));

  reporter.start();
  for (let count = 1; count <= 3; count += 1) {
    clock.advance(60_000);
    await sent.until(/close/, count);
  }

  const counts = sent
    .matching(/message_count/)
    .map((text) => /message_count:(-?\d+)\|c/.exec(text)?.[1]);
  assert.deepStrictEqual(counts, ['12', '7', '2']);
});

test('StatsdReporter: names begin with the prefix, and memory is reported when that is wanted', async (t) => {
  const { reporter, clock, sent } = makeReporter(t, {
    statsdPrefix: 'nsq.%s',
    statsdMemStats: true,
    statsdUdpPacketSize: 65_507,
  });

  reporter.start();
  clock.advance(60_000);
  await sent.until(/close/);

  const names = sent.lines[1].match(/^.*nsq\.b_4151\.(topic|mem)\.[\w.]+:/gm);
  assert.equal(names?.length, 13);
});

test('StatsdReporter: datagrams are spread over the interval, less a second', async (t) => {
  const { reporter, clock, sent } = makeReporter(t, { statsdUdpPacketSize: 1 });

  reporter.start();
  clock.advance(60_000);
  for (let count = 1; count <= 4; count += 1) {
    await sent.until(/topic/, count);
    await settled();
    clock.advance(14_750);
  }
  await sent.until(/close/);

  const times = sent.matching(/topic/).map((text) => Number(text.split(' ')[0]));
  assert.deepStrictEqual(times, [60_000, 74_750, 89_500, 104_250]);
});

test('StatsdReporter: an interval of a second or less is one burst', async (t) => {
  const { reporter, clock, sent } = makeReporter(t, {
    statsdUdpPacketSize: 1,
    statsdIntervalMs: 500,
  });

  reporter.start();
  clock.advance(500);
  await sent.until(/close/);

  const times = sent.matching(/topic/).map((text) => Number(text.split(' ')[0]));
  assert.deepStrictEqual(times, [500, 500, 500, 500]);
});

test('StatsdReporter: there is one report at a time', async (t) => {
  const { reporter, clock, hooks, sent } = makeReporter(t);
  let finish = (_stats: BrokerStats): void => undefined;
  hooks.stats = () =>
    new Promise((resolve) => {
      finish = resolve;
    });

  reporter.start();
  clock.advance(60_000);
  await settled();
  clock.advance(120_000);
  await settled();
  const openCount = sent.matching(/open/).length;
  finish(brokerStatistics([topicStatistics()]));
  await sent.until(/close/);
  await settled();
  clock.advance(60_000);
  await sent.until(/open/, 2);

  assert.equal(openCount, 1);
});

test('StatsdReporter: an address that cannot be had is logged, and tried again', async (t) => {
  const { reporter, clock, hooks, log, sent } = makeReporter(t);
  hooks.open = () => Promise.reject(new Error('no such host'));

  reporter.start();
  clock.advance(60_000);
  await log.until(/ERROR/);
  await settled();
  hooks.open = async () => undefined;
  clock.advance(60_000);
  await sent.until(/close/);

  assert.deepStrictEqual(log.matching(/ERROR/), [
    `ERROR: failed to create UDP socket to statsd(${ADDRESS}) - no such host`,
  ]);
});

test('StatsdReporter: finding the address may take a second, and what is found later is given up', async (t) => {
  const { reporter, clock, hooks, log, sent } = makeReporter(t);
  let found = (): void => undefined;
  hooks.open = () =>
    new Promise((resolve) => {
      found = resolve;
    });

  reporter.start();
  clock.advance(60_000);
  clock.advance(1000);
  await log.until(/ERROR/);
  found();
  await sent.until(/close/);

  assert.deepStrictEqual(log.lines, [
    `ERROR: failed to create UDP socket to statsd(${ADDRESS}) - no address within 1000 ms`,
  ]);
  assert.deepStrictEqual(sent.lines, [`open ${ADDRESS}`, 'close']);
});

test('StatsdReporter: statistics that cannot be had are logged', async (t) => {
  const { reporter, clock, hooks, log, sent } = makeReporter(t);
  hooks.stats = () => Promise.reject(new Error('no threads'));

  reporter.start();
  clock.advance(60_000);
  await sent.until(/close/);

  assert.deepStrictEqual(log.lines, [
    `ERROR: failed to collect stats for statsd(${ADDRESS}) - no threads`,
  ]);
});

test('StatsdReporter: datagrams that cannot be sent are logged once in a report', async (t) => {
  const { reporter, clock, hooks, log, sent } = makeReporter(t, {
    statsdUdpPacketSize: 1,
    statsdIntervalMs: 1000,
  });
  hooks.send = () => Promise.reject(new Error('no route'));

  reporter.start();
  clock.advance(1000);
  await sent.until(/close/);

  assert.equal(sent.matching(/topic/).length, 4);
  assert.deepStrictEqual(log.matching(/ERROR/), [
    `ERROR: failed to send to statsd(${ADDRESS}) - no route`,
  ]);
});

test('StatsdReporter: stop sends at once what is left, and nothing more', async (t) => {
  const { reporter, clock, sent } = makeReporter(t, { statsdUdpPacketSize: 1 });

  reporter.start();
  clock.advance(60_000);
  await sent.until(/topic/);
  await settled();
  await reporter.stop();
  const sentCount = sent.matching(/topic/).length;
  await sent.until(/close/);

  assert.equal(sentCount, 4);
  assert.equal(clock.timerCount, 0);
});

test('StatsdReporter: stop does not wait for statistics, and nothing is sent when they come', async (t) => {
  const { reporter, clock, hooks, sent } = makeReporter(t);
  let finish = (_stats: BrokerStats): void => undefined;
  hooks.stats = () =>
    new Promise((resolve) => {
      finish = resolve;
    });

  reporter.start();
  clock.advance(60_000);
  await settled();
  await reporter.stop();
  finish(brokerStatistics([topicStatistics()]));
  await sent.until(/close/);

  assert.deepStrictEqual(sent.lines, [`open ${ADDRESS}`, 'close']);
});

for (const hook of ['stats', 'open', 'send'] as const) {
  test(`StatsdReporter: what throws in ${hook} costs that report, logged and counted`, async (t) => {
    const { reporter, clock, guard, log, sent, hooks } = makeReporter(t);
    const whole = hooks[hook];
    hooks[hook] = () => {
      throw new TypeError('provoked');
    };
    reporter.start();
    clock.advance(OPTIONS.statsdIntervalMs);
    await settled();
    hooks[hook] = whole as never;
    sent.lines.length = 0;

    clock.advance(OPTIONS.statsdIntervalMs);
    await settled();

    assert.equal(guard.failedCount, 1);
    assert.match(
      log.lines.join('\n'),
      /^ERROR: statsd\(.*\): its input cannot be handled - TypeError: provoked at /m,
    );
    assert.ok(sent.lines.some((line) => /message_count/.test(line)));
  });
}
