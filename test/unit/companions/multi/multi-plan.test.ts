import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  brokerNumber,
  type PlanSetup,
  planBrokers,
  planFault,
} from '../../../../src/companions/multi/broker-plan.ts';
import {
  type MultiOptions,
  readMultiLine,
} from '../../../../src/companions/multi/multi-options.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { type BrokerLineOptions, readBrokerLine } from '../../../../src/offline/broker-line.ts';

const MACHINE = { hostname: 'host', parallelism: 8 };

/** What words say; they are right. */
function read(words: readonly string[]): {
  own: MultiOptions;
  options: BrokerLineOptions;
  words: readonly string[];
} {
  const line = readMultiLine(words, MACHINE);
  assert(!(line instanceof InvalidValue) && line.kind === 'run');
  const broker = readBrokerLine(line.brokerWords, { ...MACHINE, readFile: () => '' });
  assert(broker.kind === 'run');
  return { own: line.options, options: broker.options, words: line.brokerWords };
}

function planOf(words: readonly string[], changes: Partial<PlanSetup> = {}): string[][] {
  const shared = { tcp: 4150, http: 4151, https: 0 };
  const setup = { ...read(words), shared, lookupd: null, leaving: [], ...changes };
  return planBrokers(setup).map((plan) => [...plan.words]);
}

test('multi: its flags are taken out of those of the broker, wherever they stand', () => {
  const { own, words } = read([
    ...['--mem-queue-size', '5', '-brokers', '4', '--snappy', '--port-step=10'],
    ...['--log-prefix', '--brokers=9', '-data-path=/data'],
  ]);

  assert.deepEqual([own.brokers, own.portStep], [4, 10]);
  assert.deepEqual(words, [
    ...['--mem-queue-size', '5', '--snappy', '--log-prefix', '--brokers=9', '-data-path=/data'],
  ]);
});

for (const [words, why] of [
  [['--brokers=0'], '--brokers must be [1,64], not 0'],
  [
    ['--brokers', 'four'],
    'invalid value "four" for flag -brokers: parse error, must be a whole number without a unit, such as 100',
  ],
  [['--brokers'], 'flag needs an argument: -brokers'],
] as const) {
  test(`multi: ${words.join(' ')} is refused`, () => {
    const line = readMultiLine(words, MACHINE);

    assert(line instanceof InvalidValue);
    assert.equal(line.why, why);
  });
}

test('multi: half of the CPUs is the number of brokers, and help shows it', () => {
  const line = readMultiLine(['--help'], MACHINE);

  assert.equal(read([]).own.brokers, 4);
  assert(!(line instanceof InvalidValue) && line.kind === 'help');
  assert.match(line.text, /-brokers int\n.*\(default 4\)/);
});

test('multi: each broker has a directory, a node id and ports of its own, and shares the rest', () => {
  const [first, second] = planOf(['--brokers=2', '--data-path=/data', '--node-id=1023'], {
    lookupd: '127.0.0.1:4160',
  });

  assert.deepEqual(first, [
    ...['start', '--data-path=/data', '--node-id=1023', '--data-path=/data/broker-1'],
    ...['--node-id=1023', '--tcp-address=0.0.0.0:4250', '--http-address=0.0.0.0:4251'],
    ...['--https-address=0.0.0.0:4252', '--max-memory=25%', '--pump-threads=3', '--disk-threads=1'],
    ...[
      '--lookupd-tcp-address=127.0.0.1:4160',
      '--shared-tcp-port=4150',
      '--shared-http-port=4151',
    ],
  ]);
  assert.deepEqual(
    second.filter((word) => !first.includes(word)),
    [
      ...['--data-path=/data/broker-2', '--node-id=0', '--tcp-address=0.0.0.0:4350'],
      ...['--http-address=0.0.0.0:4351', '--https-address=0.0.0.0:4352'],
    ],
  );
});

test('multi: a broker that leaves shares no port, and counts for memory and threads', () => {
  const words = ['--brokers=1', '--data-path=/d', '--max-memory=3GB', '--log-file=/var/log/q.log'];
  const [staying, leaving] = planOf(words, { leaving: [3, 5] });

  assert.ok(staying.includes('--max-memory=1000000000'));
  assert.ok(staying.includes('--pump-threads=2'));
  assert.ok(leaving.includes('--data-path=/d/broker-3'));
  assert.ok(leaving.includes('--log-file=/var/log/q.log.broker-3'));
  assert.deepEqual(
    leaving.filter((word) => word.startsWith('--shared')),
    [],
  );
});

test('multi: a broadcast port moves like the port, and port 0 stays any free one', () => {
  const [, second] = planOf([
    ...['--brokers=2', '--tcp-address=127.0.0.1:0', '--broadcast-tcp-port=30000'],
    ...['--max-memory=0', '--port-step=1'],
  ]);

  assert.ok(second.includes('--tcp-address=127.0.0.1:0'));
  assert.ok(second.includes('--broadcast-tcp-port=30002'));
  assert.ok(second.includes('--max-memory=0'));
});

for (const [words, fault] of [
  [['--tcp-address=/run/q.sock'], '--tcp-address must be a host and a port for several brokers'],
  [['--http-address='], '--http-address must be a host and a port for several brokers'],
  [
    ['--tcp-address=:65500'],
    'broker-4 would listen on port 65900: --tcp-address or --port-step must be lower',
  ],
  [
    ['--shared-tcp-port=5'],
    '--tcp-address and --http-address are what the brokers share: give no --shared-…-port',
  ],
  [[], undefined],
] as const) {
  test(`multi: ${words.join(' ') || 'no flag'} ${fault === undefined ? 'fits' : 'does not fit'}`, () => {
    const { own, options } = read(words);

    assert.equal(planFault(own, options, 4), fault);
  });
}

test('multi: only directories with its names belong to a broker', () => {
  const numbers = ['broker-1', 'broker-12', 'broker-0', 'broker-01', 'xbroker-1', 'broker-'].map(
    brokerNumber,
  );

  assert.deepEqual(numbers, [1, 12, undefined, undefined, undefined, undefined]);
});
