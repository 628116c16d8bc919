import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { Policies } from '../../../../src/main/policies/policies.ts';
import { type Policy, parsePolicy } from '../../../../src/main/policies/policy.ts';
import { optionsWith } from '../../../support/broker-turns.ts';

const OPTIONS = optionsWith({ memQueueSize: 100, maxDepth: 50 });

function policy(name: string, pattern: string, keys: object, priority = 0): Policy {
  const parsed = parsePolicy(name, { pattern, priority, ...keys });
  if (parsed instanceof InvalidValue) throw new Error(parsed.why);
  return parsed;
}

test('Policies: without one, everything is as the options say', () => {
  const policies = new Policies(OPTIONS);

  const topic = policies.ofTopic('t');
  const channel = policies.ofChannel('t', 'c');

  assert.deepEqual(topic, {
    memQueueSize: 100,
    maxDepth: 50,
    maxBytes: 0,
    whenFull: 'reject',
    messageTtlMs: 0,
    deadLetter: '',
    deadLetterEnvelope: 'none',
    acknowledge: 'memory',
    store: 'local',
    replicas: 0,
    retention: { ageMs: 0, bytes: 0 },
    deduplicateMs: 0,
    deduplicateKey: 'body',
  });
  assert.deepEqual(
    [channel.maxDepth, channel.maxAttempts, channel.maxRate, channel.requeueBackoff],
    [50, 0, 0, null],
  );
  assert.equal(channel.msgTimeoutMs, OPTIONS.msgTimeoutMs);
  assert.deepEqual(policies.namesOf('t', 'c'), []);
});

test('Policies: each key is decided by itself', () => {
  const policies = new Policies(OPTIONS, [
    policy('low', '*', { 'max-depth': 1, 'max-attempts': 9 }),
    policy('high', 't*', { 'max-depth': 2 }, 5),
    policy('other', 'u', { 'max-depth': 3 }, 9),
  ]);

  const { maxDepth, maxAttempts } = policies.ofChannel('t', 'c');

  assert.deepEqual([maxDepth, maxAttempts], [2, 9]);
  assert.deepEqual(policies.namesOf('t', 'c'), ['high', 'low']);
  assert.deepEqual(policies.namesOf('t', null), ['high']);
});

test('Policies: the same promises are the same value, so that pumps are told once', () => {
  const policies = new Policies(OPTIONS, [policy('p', 'a*', { 'max-depth': 1 })]);

  assert.equal(policies.ofTopic('a1'), policies.ofTopic('a2'));
  assert.equal(policies.ofChannel('a1', 'c'), policies.ofChannel('a2', 'd'));
  assert.notEqual(policies.ofTopic('a1'), policies.ofTopic('b'));
});

for (const acknowledge of ['write', 'fsync'] as const) {
  test(`Policies: acknowledge=${acknowledge} keeps nothing of the topic or its channels in memory alone`, () => {
    const policies = new Policies(OPTIONS, [policy('p', 't', { acknowledge })]);

    assert.deepEqual(
      [policies.ofTopic('t').memQueueSize, policies.ofChannel('t', 'c').memQueueSize],
      [0, 0],
    );
    assert.equal(policies.ofChannel('u', 'c').memQueueSize, 100);
  });
}

test('Policies: acknowledge=memory holds although nothing is kept in memory', () => {
  const policies = new Policies(optionsWith({ memQueueSize: 0 }), [
    policy('p', 't', { acknowledge: 'memory' }),
  ]);

  assert.deepEqual(
    [policies.ofTopic('t').acknowledge, policies.ofTopic('u').acknowledge],
    ['memory', 'write'],
  );
});

test('Policies: a burst is what a rate brings in 10 ms, unless it is set', () => {
  const bursts = [1, 100, 101, 100_000].map(
    (rate) =>
      new Policies(OPTIONS, [policy('p', 't:c', { 'max-rate': rate })]).ofChannel('t', 'c').burst,
  );

  assert.deepEqual(bursts, [1, 1, 2, 1000]);
});

test('Policies: those of the configuration file count, and are not changed at run time', () => {
  const policies = new Policies(OPTIONS, [policy('p', 't', { 'max-depth': 1 })]);

  const refusals = [
    policies.refusalOf(policy('p', 't', { 'max-depth': 2 })),
    policies.removalRefusalOf('p'),
  ];
  policies.restore([policy('p', 't', { 'max-depth': 2 }), policy('q', 't', { 'max-bytes': 3 })]);

  for (const refusal of refusals) assert.match(refusal ?? '', /set in the configuration file/);
  assert.equal(policies.ofTopic('t').maxDepth, 1);
  assert.deepEqual(
    policies.list().map(({ policy: { name }, source }) => [name, source]),
    [
      ['p', 'configuration'],
      ['q', 'run time'],
    ],
  );
});

test('Policies: there are 256 of them at most', () => {
  const policies = new Policies(OPTIONS);
  policies.restore(Array.from({ length: 256 }, (_, i) => policy(`p${i}`, 't', { 'max-depth': 1 })));

  assert.match(
    policies.refusalOf(policy('more', 't', { 'max-depth': 1 })) ?? '',
    /256 policies already/,
  );
  assert.equal(policies.refusalOf(policy('p7', 't', { 'max-depth': 2 })), undefined);
});

test('Policies: a removal that closes a cycle is refused', () => {
  const policies = new Policies(OPTIONS);
  policies.restore([
    policy('all', '*', { 'dead-letter': 'dead' }),
    policy('end', 'dead', { 'dead-letter': '' }, 1),
  ]);

  assert.match(policies.removalRefusalOf('end') ?? '', /dead would go to dead itself/);
  assert.equal(policies.removalRefusalOf('all'), undefined);
});

test('Policies: a configuration that closes a cycle changes nothing', () => {
  const policies = new Policies(OPTIONS, [policy('a', 'x', { 'dead-letter': 'y' })]);
  policies.restore([policy('b', 'z', { 'dead-letter': 'x' })]);

  const wrong = policies.configure([policy('a', 'x', { 'dead-letter': 'z' })]);

  assert.match(wrong?.why ?? '', /go round: z -> x -> z|go round: x -> z -> x/);
  assert.equal(policies.ofTopic('x').deadLetter, 'y');
});

for (const [what, policies, cycle] of [
  ['a topic and itself', [['a', 'x', 'x', 0]], /x itself/],
  ['a channel and its topic', [['a', 'x:c', 'x', 0]], /x itself/],
  [
    'three topics',
    [
      ['a', 'x', 'y', 0],
      ['b', 'y', 'z', 0],
      ['c', 'z', 'x', 0],
    ],
    /go round/,
  ],
  ['a pattern for all', [['a', '*', 'dead', 0]], /dead itself/],
  [
    'a channel pattern of the target',
    [
      ['a', 'x', 'y', 0],
      ['b', 'y:c', 'x', 0],
    ],
    /go round/,
  ],
  [
    'an end for all channels',
    [
      ['a', '*', 'dead', 0],
      ['b', 'dead', '', 1],
    ],
    undefined,
  ],
  [
    'an end for some channels only',
    [
      ['a', '*', 'dead', 0],
      ['b', 'dead:c', '', 1],
    ],
    /dead itself/,
  ],
  [
    'a way without a way back',
    [
      ['a', 'x', 'y', 0],
      ['b', 'y', 'z', 0],
    ],
    undefined,
  ],
] as const) {
  test(`Policies: dead letters over ${what} ${cycle === undefined ? 'are taken' : 'are refused'}`, () => {
    const [last, ...others] = policies
      .map(([name, pattern, target, priority]) =>
        policy(name, pattern, { 'dead-letter': target }, priority),
      )
      .reverse();
    const set = new Policies(OPTIONS);
    // One that contradicts itself before the last is there cannot be set; the order is the operator's.
    set.restore(others);

    const refusal = set.refusalOf(last);

    if (cycle === undefined) assert.equal(refusal, undefined);
    else assert.match(refusal ?? '', cycle);
  });
}
