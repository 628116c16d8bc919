import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Grant } from '../../../../src/main/auth/grant.ts';

const EVERYTHING = { topic: '.*', channels: ['.*'], permissions: ['subscribe', 'publish'] };

function grant(...authorizations: object[]): Promise<Grant> {
  return Grant.parse(JSON.stringify({ ttl: 60, authorizations }));
}

test('Grant: an answer is read', async () => {
  const { identity, identityUrl, ttlMs, permissionCount } = await Grant.parse(
    JSON.stringify({
      TTL: 3600,
      identity: 'joe',
      Identity_URL: 'http://example.com/joe',
      authorizations: [EVERYTHING, EVERYTHING],
      more: true,
    }),
  );

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

test('Grant: what is null or absent is empty', async () => {
  const { identity, identityUrl, permissionCount } = await Grant.parse('{"ttl":1,"identity":null}');

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
  test(`Grant: ${what} is refused`, async () => {
    await assert.rejects(Grant.parse(JSON.stringify(answer)), new Error(error));
  });
}

const ttls: [source: string, ttlMs: number | undefined][] = [
  ['1', 1000],
  ['9223372036854775807', 9_223_372_036_000],
  ['9223372036854775808', undefined],
  ['99999999999999999999', undefined],
  ['1e3', undefined],
  ['60.0', undefined],
  ['-0', undefined],
  ['[[60]]', undefined],
];
for (const [source, ttlMs] of ttls) {
  test(`Grant: a ttl of ${source} is ${ttlMs === undefined ? 'refused' : 'taken'} as Go does`, async () => {
    const parsing = Grant.parse(`{"TTL":null,"ttl":5,"Ttl":${source}}`);

    if (ttlMs === undefined)
      await assert.rejects(parsing, new Error(`invalid TTL ${source} (must be >0)`));
    else assert.strictEqual((await parsing).ttlMs, ttlMs);
  });
}

test('Grant: what is no JSON, or nested too deep, is refused', async () => {
  const deep = `{"ttl":1,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

  for (const text of ['', '{', deep]) {
    await assert.rejects(Grant.parse(text), new Error('the answer is not valid JSON'));
  }
});

test('Grant: a pattern has a largest length', async () => {
  const longest = await grant({ ...EVERYTHING, topic: 'x'.repeat(1024) });

  assert.strictEqual(longest.permissionCount, 1);
  await assert.rejects(
    grant({ ...EVERYTHING, topic: 'x'.repeat(1025) }),
    new Error('a pattern of 1025 characters, 1024 at most'),
  );
});

test('Grant: a pattern has a largest number of Unicode classes', async () => {
  const classes = (count: number) =>
    grant({ ...EVERYTHING, topic: `(?i)${'\\pL\\PN'.repeat(count / 2)}` });

  await classes(32);
  await assert.rejects(classes(34), new Error('a pattern of 34 Unicode classes, 32 at most'));
});

test('Grant: what looking at all patterns may cost is bounded', async () => {
  const channels = Array.from({ length: 20 }, (_, index) => `x{${900 + index}}`);

  await assert.rejects(
    grant({ ...EVERYTHING, channels }),
    new Error('the patterns are too large to be looked at for each command'),
  );
  await assert.rejects(grant(...Array<object>(10_000).fill(EVERYTHING)), /too large/);
  assert.strictEqual((await grant(...Array<object>(500).fill(EVERYTHING))).permissionCount, 500);
});

for (const pattern of ['(', '[', 'a**', '(?=x)', '(?<!x)y', '\\1', '\\']) {
  test(`Grant: the pattern ${pattern} is refused`, async () => {
    const answers = [
      { ttl: 1, authorizations: [{ ...EVERYTHING, topic: pattern }] },
      { ttl: 1, authorizations: [{ ...EVERYTHING, channels: ['.*', pattern] }] },
    ];

    for (const answer of answers) {
      await assert.rejects(Grant.parse(JSON.stringify(answer)), /^Error: pattern "/);
    }
  });
}

test('Grant: each permission stands for itself', async () => {
  const subscriber = await grant({ ...EVERYTHING, permissions: ['subscribe'] });
  const publisher = await grant({ ...EVERYTHING, permissions: ['publish'] });

  const allowed = [subscriber, publisher].map((each) => [
    each.isAllowed('subscribe', 't', 'c'),
    each.isAllowed('publish', 't', ''),
  ]);

  assert.deepEqual(allowed, [
    [true, false],
    [false, true],
  ]);
});

test('Grant: patterns are found anywhere in a name, unless anchored', async () => {
  const isAllowed = async (topic: string, channel: string, pattern: string): Promise<boolean> => {
    const granted = await grant({ ...EVERYTHING, topic: pattern, channels: [pattern] });
    return granted.isAllowed('subscribe', topic, channel);
  };

  const allowed = [
    await isAllowed('a.mid.z', 'mid', 'mid'),
    await isAllowed('a.mid.z', 'x', 'mid'),
    await isAllowed('x', 'mid', 'mid'),
    await isAllowed('mid.z', 'mid', '^mid'),
    await isAllowed('a.mid', 'mid', '^mid'),
    await isAllowed('mid', 'mid', '^mid$'),
    await isAllowed('mid', 'midi', '^mid$'),
    await isAllowed('anything', 'else', ''),
    await isAllowed('MID', 'Mid', '(?i)mid'),
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
  test(`Grant: publishing with the channels ${JSON.stringify(channels)}: ${isAllowed}`, async () => {
    const allowed = (await grant({ ...EVERYTHING, channels })).isAllowed('publish', 't', '');

    assert.equal(allowed, isAllowed);
  });
}

test('Grant: one entry has to permit all of it', async () => {
  const both = await grant(
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

test('Grant: a pattern that would take other engines forever takes no time', async () => {
  const slow = await grant({ ...EVERYTHING, topic: '^(a+)+$' });

  assert.equal(slow.isAllowed('subscribe', `${'a'.repeat(63)}!`, 'c'), false);
});
