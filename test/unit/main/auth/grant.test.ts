import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Grant } from '../../../../src/main/auth/grant.ts';

const EVERYTHING = { topic: '.*', channels: ['.*'], permissions: ['subscribe', 'publish'] };

function grant(...authorizations: object[]): Grant {
  return Grant.parse({ ttl: 60, authorizations });
}

test('Grant: an answer is read', () => {
  const { identity, identityUrl, ttlMs, permissionCount } = Grant.parse({
    TTL: 3600,
    identity: 'joe',
    Identity_URL: 'http://example.com/joe',
    authorizations: [EVERYTHING, EVERYTHING],
    more: true,
  });

  assert.deepEqual(
    { identity, identityUrl, ttlMs, permissionCount },
    {
      identity: 'joe',
      identityUrl: 'http://example.com/joe',
      ttlMs: 3_600_000,
      permissionCount: 2,
    },
  );
});

test('Grant: what is null or absent is empty', () => {
  const { identity, identityUrl, permissionCount } = Grant.parse({ ttl: 1, identity: null });

  assert.deepEqual([identity, identityUrl, permissionCount], ['', '', 0]);
});

const refused: [what: string, answer: unknown, error: string][] = [
  ['null', null, 'invalid TTL 0 (must be >0)'],
  ['a list', [], 'answer is not an object'],
  ['a text', 'text', 'answer is not an object'],
  ['no ttl', {}, 'invalid TTL 0 (must be >0)'],
  ['a ttl of 0', { ttl: 0 }, 'invalid TTL 0 (must be >0)'],
  ['a negative ttl', { ttl: -5 }, 'invalid TTL -5 (must be >0)'],
  ['a ttl of parts', { ttl: 1.5 }, 'invalid TTL 1.5 (must be >0)'],
  ['a ttl in words', { ttl: '60' }, 'invalid TTL "60" (must be >0)'],
  ['an identity that is no text', { ttl: 1, identity: 5 }, '"identity" is not a string'],
  ['one authorisation', { ttl: 1, authorizations: EVERYTHING }, '"authorizations" is not a list'],
  [
    'an authorisation in words',
    { ttl: 1, authorizations: ['x'] },
    'authorization is not an object',
  ],
  [
    'another permission',
    { ttl: 1, authorizations: [{ ...EVERYTHING, permissions: ['subscribe', 'admin'] }] },
    'unknown permission "admin"',
  ],
  [
    'a channel that is no text',
    { ttl: 1, authorizations: [{ ...EVERYTHING, channels: [7] }] },
    '"channels" has an item that is not a string',
  ],
  [
    'one channel',
    { ttl: 1, authorizations: [{ ...EVERYTHING, channels: 'c' }] },
    '"channels" is not a list',
  ],
];
for (const [what, answer, error] of refused) {
  test(`Grant: ${what} is refused`, () => {
    assert.throws(() => Grant.parse(answer), new Error(error));
  });
}

for (const pattern of ['(', '[', 'a**', '(?=x)', '(?<!x)y', '\\1', '\\']) {
  test(`Grant: the pattern ${pattern} is refused`, () => {
    const answers = [
      { ttl: 1, authorizations: [{ ...EVERYTHING, topic: pattern }] },
      { ttl: 1, authorizations: [{ ...EVERYTHING, channels: ['.*', pattern] }] },
    ];

    for (const answer of answers) assert.throws(() => Grant.parse(answer), /^Error: pattern "/);
  });
}

test('Grant: each permission stands for itself', () => {
  const subscriber = grant({ ...EVERYTHING, permissions: ['subscribe'] });
  const publisher = grant({ ...EVERYTHING, permissions: ['publish'] });

  const allowed = [subscriber, publisher].map((each) => [
    each.isAllowed('subscribe', 't', 'c'),
    each.isAllowed('publish', 't', ''),
  ]);

  assert.deepEqual(allowed, [
    [true, false],
    [false, true],
  ]);
});

test('Grant: patterns are found anywhere in a name, unless anchored', () => {
  const isAllowed = (topic: string, channel: string, pattern: string): boolean => {
    const granted = grant({ ...EVERYTHING, topic: pattern, channels: [pattern] });
    return granted.isAllowed('subscribe', topic, channel);
  };

  const allowed = [
    isAllowed('a.mid.z', 'mid', 'mid'),
    isAllowed('a.mid.z', 'x', 'mid'),
    isAllowed('x', 'mid', 'mid'),
    isAllowed('mid.z', 'mid', '^mid'),
    isAllowed('a.mid', 'mid', '^mid'),
    isAllowed('mid', 'mid', '^mid$'),
    isAllowed('mid', 'midi', '^mid$'),
    isAllowed('anything', 'else', ''),
    isAllowed('MID', 'Mid', '(?i)mid'),
  ];

  assert.deepEqual(allowed, [true, false, false, true, false, true, false, true, true]);
});

for (const [channels, isAllowed] of [
  [['ch'], false],
  [['.*'], true],
  [['^$'], true],
  [['x', '^$'], true],
  [[], false],
] as const) {
  test(`Grant: publishing with the channels ${JSON.stringify(channels)}: ${isAllowed}`, () => {
    const allowed = grant({ ...EVERYTHING, channels }).isAllowed('publish', 't', '');

    assert.equal(allowed, isAllowed);
  });
}

test('Grant: one entry has to permit all of it', () => {
  const both = grant(
    { topic: '^a$', channels: ['^x$'], permissions: ['subscribe'] },
    { topic: '^b$', channels: ['^y$'], permissions: ['subscribe'] },
  );

  const allowed = [
    both.isAllowed('subscribe', 'a', 'x'),
    both.isAllowed('subscribe', 'b', 'y'),
    both.isAllowed('subscribe', 'a', 'y'),
  ];

  assert.deepEqual(allowed, [true, true, false]);
});

test('Grant: a pattern that would take other engines forever takes no time', () => {
  const slow = grant({ ...EVERYTHING, topic: '^(a+)+$' });

  assert.equal(slow.isAllowed('subscribe', `${'a'.repeat(63)}!`, 'c'), false);
});
