import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRfc3339 } from '../../../../src/daemon/go/go-text.ts';
import { versionLine } from '../../../../src/daemon/version.ts';
import { humanTime, statsText } from '../../../../src/main/http/stats-text.ts';
import {
  brokerStatistics,
  channelStatistics,
  clientStatistics,
  MEMORY,
  topicStatistics,
} from '../../../support/statistics.ts';

const START_MS = 1_700_000_000_000;
const NOW_MS = START_MS + 3_723_500;
const EMPTY = {
  health: 'OK',
  startTimeMs: START_MS,
  memory: undefined,
  refusedConnectionCount: 0,
  failedInputCount: 0,
};
const HEAD = `${versionLine()}
start_time ${formatRfc3339(START_MS)}
uptime 1h2m3.5s

Health: OK
`;

test('statsText: an empty broker', () => {
  const text = [...statsText({ ...EMPTY, stats: brokerStatistics() }, NOW_MS)].join('');

  assert.equal(text, `${HEAD}\nTopics: None\n\nProducers: None\n`);
});

test('statsText: an unknown topic looks like none', () => {
  const text = [
    ...statsText({ ...EMPTY, stats: brokerStatistics(null, { producers: [] }) }, NOW_MS),
  ].join('');

  assert.equal(text, `${HEAD}\nTopics: None\n\nProducers: None\n`);
});

test('statsText: memory', () => {
  const text = [...statsText({ ...EMPTY, stats: brokerStatistics(), memory: MEMORY }, NOW_MS)].join(
    '',
  );

  assert.equal(
    text,
    `${HEAD}
Memory:
   heap_objects             \t1
   heap_idle_bytes          \t2
   heap_in_use_bytes        \t3
   heap_released_bytes      \t4
   gc_pause_usec_100        \t5
   gc_pause_usec_99         \t6
   gc_pause_usec_95         \t7
   next_gc_bytes            \t8
   gc_total_runs            \t9

Topics: None

Producers: None
`,
  );
});

test('statsText: topics, channels, clients and producers', () => {
  const percentiles = [
    { quantile: 1, value: 2_500_000_000 },
    { quantile: 0.5, value: 250_403 },
  ];
  const channels = [
    channelStatistics({
      clients: [clientStatistics()],
      latency: { count: 2, percentiles },
    }),
    channelStatistics({ name: 'two', isPaused: true, clients: null }),
  ];
  const topics = [
    topicStatistics({ channels, latency: { count: 2, percentiles } }),
    topicStatistics({ name: 'a-name-beyond-the-column', isPaused: true }),
  ];
  const producers = [
    clientStatistics({
      published: { topic: 'a', count: 5 },
      userAgent: 'agént',
      remoteAddress: '[::1]:7',
    }),
  ];

  const text = [
    ...statsText({ ...EMPTY, stats: brokerStatistics(topics, { producers }) }, NOW_MS),
  ].join('');

  assert.equal(
    text,
    `${HEAD}
Topics:
   [alpha          ] depth: 1     be-depth: 2     msgs: 3        e2e%: 2.5s, 250.4us
      [one                      ] depth: 1     be-depth: 2     inflt: 3    def: 4    re-q: 6     timeout: 7     msgs: 5        e2e%: 2.5s, 250.4us
        [V2 host:5000 c/1        ] state: 3 inflt: 2    rdy: 1    fin: 4        re-q: 5        msgs: 3        connected: 1h2m3s
   *P [two                      ] depth: 1     be-depth: 2     inflt: 3    def: 4    re-q: 6     timeout: 7     msgs: 5        e2e%:${' '}

*P [a-name-beyond-the-column] depth: 1     be-depth: 2     msgs: 3        e2e%:${' '}

Producers:
   [V2 host:7 agént         ] msgs: 5        topics: a=5 connected: 1h2m3s
`,
  );
});

for (const [ns, wanted] of [
  [0, '0.0ns'],
  [1000, '1000.0ns'],
  [1001, '1.0us'],
  [1250, '1.2us'],
  [1750, '1.8us'],
  [1_000_000, '1000.0us'],
  [250_403_690, '250.4ms'],
  [1_000_000_000, '1000.0ms'],
  [61_000_000_000, '61.0s'],
] as const) {
  test(`humanTime: ${ns} ns is ${wanted}`, () => {
    assert.equal(humanTime(ns), wanted);
  });
}

test('statsText: what nsqd does not have is there only when it says something', () => {
  const channels = [channelStatistics({ policyCounts: { dropped: 0 } })];
  const topics = [topicStatistics({ channels, policyCounts: { dropped: 12 } })];

  const stats = brokerStatistics(topics);
  const report = { ...EMPTY, stats, refusedConnectionCount: 3 };
  const text = [...statsText(report, NOW_MS)].join('');

  assert.match(text, /\nHealth: OK\n\nRefused connections: 3\n\nTopics:\n/);
  assert.match(text, /\[alpha .* msgs: 3 {8}dropped: 12 {7}e2e%: \n/);
  assert.match(text, /\[one .* msgs: 5 {8}dropped: 0 {8}e2e%: \n/);
});

test('statsText: a replicated topic says that its figures are those of all brokers', () => {
  const stats = brokerStatistics([topicStatistics({ isReplicated: true })]);
  const text = [...statsText({ ...EMPTY, stats }, NOW_MS)].join('');

  assert.match(text, /\[alpha .* msgs: 3 {8}replicated: all brokers e2e%: \n/);
});
