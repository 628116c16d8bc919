import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { parsePolicy, policyJson } from '../../../../src/main/policies/policy.ts';
import { KEY_NAMES, POLICY_KEYS } from '../../../../src/main/policies/policy-keys.ts';

/** A value that each key takes, and how it is shown. */
const SAMPLES: Readonly<Record<string, readonly [given: unknown, shown: unknown]>> = {
  acknowledge: ['write', 'write'],
  store: ['nats', 'nats'],
  replicas: [3, 3],
  retention: ['bytes(1GiB), age(90s)', 'age(1m30s),bytes(1073741824)'],
  'mem-queue-size': [5, 5],
  'max-depth': ['1000', 1000],
  'max-bytes': ['1MiB', '1MiB'],
  'when-full': ['drop-oldest', 'drop-oldest'],
  'max-in-flight': [7, 7],
  'max-rate': [100, 100],
  burst: [3, 3],
  'message-ttl': ['90s', '1m30s'],
  'max-attempts': [5, 5],
  'dead-letter': ['dead', 'dead'],
  'dead-letter-envelope': ['json', 'json'],
  'requeue-backoff': ['exponential(1s,5m)', 'exponential(1s,5m0s)'],
  deduplicate: ['10m', '10m0s'],
  'deduplicate-key': ['json:id', 'json:id'],
  'msg-timeout': ['30s', '30s'],
  expires: ['24h', '24h0m0s'],
  'warn-after': ['1h', '1h0m0s'],
};

test('parsePolicy: reads and shows a value of every key', () => {
  const given = Object.fromEntries(Object.entries(SAMPLES).map(([key, [value]]) => [key, value]));

  const policy = parsePolicy('all', { pattern: 't', priority: -2, definition: given });

  assert.ok(!(policy instanceof InvalidValue));
  const { definition, ...rest } = policyJson(policy);
  assert.deepEqual(rest, { name: 'all', pattern: 't', priority: -2 });
  assert.deepEqual(
    definition,
    Object.fromEntries(Object.entries(SAMPLES).map(([key, [, shown]]) => [key, shown])),
  );
  assert.deepEqual(Object.keys(SAMPLES).sort(), [...KEY_NAMES.keys()].sort());
});

test('parsePolicy: what it shows it reads again', () => {
  for (const [key, [given]] of Object.entries(SAMPLES)) {
    const first = parsePolicy('p', { pattern: 't', [key]: given });
    assert.ok(!(first instanceof InvalidValue), key);
    const second = parsePolicy(
      'p',
      policyJson(first).definition[key] === undefined ? {} : withoutName(policyJson(first)),
    );
    assert.deepEqual(second, first);
  }
});

test('parsePolicy: a policy as it is shown can be given back', () => {
  const shown = {
    name: 'p',
    pattern: 't',
    priority: 2,
    source: 'run time',
    definition: { burst: 1 },
  };

  const policy = parsePolicy('p', shown);
  const renamed = parsePolicy('q', shown);

  assert.ok(!(policy instanceof InvalidValue));
  assert.deepEqual(policy.definition, { burst: 1 });
  assert.ok(renamed instanceof InvalidValue);
  assert.match(renamed.why, /another one, "p"/);
});

test('parsePolicy: keys may have underscores, as options in a configuration file', () => {
  const policy = parsePolicy('p', { pattern: 't', max_depth: 5n });

  assert.ok(!(policy instanceof InvalidValue));
  assert.deepEqual(policy.definition, { maxDepth: 5 });
});

for (const [what, given, why] of [
  ['no object', 'x', /object with pattern/],
  ['no pattern', { 'max-depth': 1 }, /needs a "pattern"/],
  ['a pattern of another type', { pattern: 5, 'max-depth': 1 }, /needs a "pattern"/],
  ['a priority that is no integer', { pattern: 't', priority: 1.5, 'max-depth': 1 }, /"priority"/],
  ['a priority beyond the bound', { pattern: 't', priority: 1e7, 'max-depth': 1 }, /1000000/],
  ['a definition that is no object', { pattern: 't', definition: [] }, /"definition"/],
  ['nothing', { pattern: 't', definition: {} }, /defines nothing/],
  [
    'a backoff that shrinks',
    { pattern: 't', 'requeue-backoff': 'exponential(5s,1s)' },
    /not below/,
  ],
  [
    'a backoff of another form',
    { pattern: 't', 'requeue-backoff': 'linear' },
    /exponential\(1s,5m\)/,
  ],
  ['a negative age', { pattern: 't', 'message-ttl': '-1s' }, /message-ttl/],
  ['an unknown key to compare', { pattern: 't', 'deduplicate-key': 'id' }, /json:FIELD/],
  ['a prefix of no bytes', { pattern: 't', 'deduplicate-key': 'prefix:0' }, /prefix:BYTES/],
  ['a burst of none', { pattern: 't', burst: 0 }, /burst/],
  ['prototype keys', JSON.parse('{"pattern":"t","__proto__":{"max-depth":1}}'), /__proto__/],
] as const) {
  test(`parsePolicy: ${what} is refused`, () => {
    const policy = parsePolicy('p', given);

    assert.ok(policy instanceof InvalidValue);
    assert.match(policy.why, why);
  });
}

for (const name of ['', 'a b', 'x'.repeat(65), 'effective', 'a/b']) {
  test(`parsePolicy: ${JSON.stringify(name.slice(0, 10))} is no name`, () => {
    assert.ok(parsePolicy(name, { pattern: 't', 'max-depth': 1 }) instanceof InvalidValue);
  });
}

test('parsePolicy: an unknown key names the nearest one, whichever it is', () => {
  for (const key of Object.values(POLICY_KEYS).map((row) => row.key)) {
    const policy = parsePolicy('p', { pattern: 't', [`${key}x`]: 1 });

    assert.ok(policy instanceof InvalidValue);
    assert.ok(policy.why.includes(key), policy.why);
  }
});

function withoutName({ name, ...rest }: { readonly name: string }): object {
  assert.equal(name, 'p');
  return rest;
}
