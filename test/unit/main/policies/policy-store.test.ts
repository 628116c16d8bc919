import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { DISK_FILES } from '../../../../src/daemon/text-files.ts';
import { Policies } from '../../../../src/main/policies/policies.ts';
import { type Policy, parsePolicy } from '../../../../src/main/policies/policy.ts';
import { PolicyRefused, PolicyStore } from '../../../../src/main/policies/policy-store.ts';
import type { SharedPolicy } from '../../../../src/shared/control.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

type Setup = {
  readonly directory: string;
  readonly file: string;
  readonly clock: ManualClock;
  readonly log: string[];
  /** How often topics were told. */
  readonly applied: () => number;
  /** A store over the same directory, as after a restart. */
  readonly open: (
    configured?: readonly Policy[],
    given?: { share?: (policy: SharedPolicy) => Promise<void> },
  ) => PolicyStore;
};

async function setup(t: TestContext): Promise<Setup> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ringmq-policies-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const clock = new ManualClock();
  const log: string[] = [];
  const write = (text: string): void => void log.push(text);
  let applied = 0;
  const open = (
    configured: readonly Policy[] = [],
    given: { share?: (policy: SharedPolicy) => Promise<void> } = {},
  ): PolicyStore => {
    const store = new PolicyStore({
      dataPath: directory,
      textFiles: DISK_FILES,
      policies: new Policies(optionsWith({}), configured),
      clock,
      logger: { info: write, warn: write, error: write },
      share: given.share ?? null,
      apply: () => {
        applied++;
        return [][Symbol.iterator]();
      },
    });
    t.after(() => store.stop());
    return store;
  };
  const file = path.join(directory, '.ringmq/policies.json');
  return { directory, file, clock, log, applied: () => applied, open };
}

function policy(name: string, keys: object, pattern = 't'): Policy {
  const parsed = parsePolicy(name, { pattern, ...keys });
  if (parsed instanceof InvalidValue) throw new Error(parsed.why);
  return parsed;
}

test('PolicyStore: what is put is saved first, then in force, and there after a restart', async (t) => {
  const { open, applied, file } = await setup(t);
  const store = open();
  await store.load();

  await store.put(policy('p', { 'max-depth': 5 }));
  const text = await readFile(file, 'utf8');
  const restarted = open();
  await restarted.load();

  assert.deepEqual(JSON.parse(text), {
    version: 1,
    policies: [{ name: 'p', pattern: 't', priority: 0, definition: { 'max-depth': 5 } }],
  });
  assert.equal(store.policies.ofTopic('t').maxDepth, 5);
  assert.equal(restarted.policies.ofTopic('t').maxDepth, 5);
  assert.equal(applied(), 1);
});

test('PolicyStore: the directory that it makes is for its user alone', async (t) => {
  if (process.platform === 'win32') return t.skip('there are no such modes');
  const { open, directory } = await setup(t);
  await open().put(policy('p', { 'max-depth': 5 }));

  assert.equal((await stat(path.join(directory, '.ringmq'))).mode & 0o777, 0o700);
});

test('PolicyStore: changes that come together happen one after the other', async (t) => {
  const { open } = await setup(t);
  const store = open();
  await Promise.all([
    store.put(policy('a', { 'max-depth': 1 })),
    store.put(policy('b', { 'max-bytes': 2 })),
    store.put(policy('a', { 'max-depth': 3 })),
    store.remove('b'),
  ]);
  const restarted = open();
  await restarted.load();

  assert.deepEqual(
    restarted.policies.list().map(({ policy: { name, definition } }) => [name, definition]),
    [['a', { maxDepth: 3 }]],
  );
});

test('PolicyStore: two that contradict each other: the second is refused, and not saved', async (t) => {
  const { open } = await setup(t);
  const store = open();

  const [first, second] = await Promise.allSettled([
    store.put(policy('a', { 'dead-letter': 'y' }, 'x')),
    store.put(policy('b', { 'dead-letter': 'x' }, 'y')),
  ]);
  const restarted = open();
  await restarted.load();

  assert.equal(first.status, 'fulfilled');
  assert.ok(second.status === 'rejected' && second.reason instanceof PolicyRefused);
  assert.equal(restarted.policies.get('b'), undefined);
});

test('PolicyStore: a change whose save fails has not happened; the file is mended by itself', async (t) => {
  const { open, directory, file, clock, log, applied } = await setup(t);
  const store = open();
  await store.put(policy('p', { 'max-depth': 1 }));
  // A directory cannot be replaced by a file.
  await rm(file);
  await mkdir(file);

  await assert.rejects(store.put(policy('p', { 'max-depth': 2 })), /EISDIR|ENOTEMPTY|EEXIST/);
  const failure = store.failure;
  await rm(file, { recursive: true });
  clock.advance(1000);
  while (store.failure !== null) await new Promise(setImmediate);
  const restarted = open();
  await restarted.load();

  assert.notEqual(failure, null);
  assert.equal(store.policies.ofTopic('t').maxDepth, 1);
  assert.equal(restarted.policies.ofTopic('t').maxDepth, 1);
  assert.equal(applied(), 1);
  assert.ok(log.length > 0);
  assert.deepEqual(
    (await readdir(path.join(directory, '.ringmq'))).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

for (const [what, text, why] of [
  ['no JSON', '{', /not a list of policies/],
  ['another version', '{"version":2,"policies":[]}', /version 1/],
  [
    'an unknown key',
    '{"version":1,"policies":[{"name":"p","pattern":"t","max-dept":1}]}',
    /max-depth/,
  ],
  ['no name', '{"version":1,"policies":[{"pattern":"t","max-depth":1}]}', /the name of a policy/],
  ['no object', '{"version":1,"policies":[5]}', /policy/],
] as const) {
  test(`PolicyStore: a file with ${what} is not started with, and not touched`, async (t) => {
    const { open, file, directory } = await setup(t);
    await mkdir(path.join(directory, '.ringmq'));
    await writeFile(file, text);

    await assert.rejects(open().load(), (error: Error) => {
      assert.match(error.message, why);
      assert.match(error.message, /repair the file, or move it away/);
      return true;
    });
    assert.equal(await readFile(file, 'utf8'), text);
  });
}

test('PolicyStore: a configuration file that is read again replaces its policies only', async (t) => {
  const { open, applied } = await setup(t);
  const store = open([policy('c', { 'max-depth': 1 })]);
  await store.put(policy('r', { 'max-bytes': 7 }));

  store.reload([policy('c', { 'max-depth': 2 })]);
  const wrong = store.reload([
    policy('a', { 'dead-letter': 'b' }, 'a'),
    policy('b', { 'dead-letter': 'a' }, 'b'),
  ]);
  const { maxDepth, maxBytes } = store.policies.ofTopic('t');

  assert.deepEqual([maxDepth, maxBytes, applied()], [2, 7, 3]);
  assert.match(wrong ?? '', /dead.letter/);
});

test('PolicyStore: one that the configuration file sets is not put or removed', async (t) => {
  const { open } = await setup(t);
  const store = open([policy('c', { 'max-depth': 1 })]);

  await assert.rejects(store.put(policy('c', { 'max-depth': 2 })), PolicyRefused);
  await assert.rejects(store.remove('c'), PolicyRefused);
});

test('PolicyStore: other brokers are told before a change holds, and a refusal of theirs is its reason', async (t) => {
  const { open } = await setup(t);
  const told: SharedPolicy[] = [];
  let refusal: Error | null = null;
  const share = async (shared: SharedPolicy): Promise<void> => {
    if (refusal !== null) throw refusal;
    told.push(shared);
  };
  const store = open([], { share });
  await store.load();

  await store.put(policy('p', { 'max-depth': 5 }));
  refusal = new Error('the store is away');
  await assert.rejects(store.remove('p'), refusal);
  const kept = store.policies.get('p') !== undefined;
  refusal = null;
  await store.remove('p');

  const text = '{"name":"p","pattern":"t","priority":0,"definition":{"max-depth":5}}';
  assert.deepEqual(
    [told, kept],
    [
      [
        { name: 'p', text },
        { name: 'p', text: null },
      ],
      true,
    ],
  );
});

test('PolicyStore: what another broker has set holds and is saved; told again it changes nothing', async (t) => {
  const { open, applied, log } = await setup(t);
  const store = open([policy('mine', { 'max-depth': 1 }, 'other')]);
  await store.load();
  const text = '{"name":"p","pattern":"t","priority":0,"definition":{"max-depth":5}}';

  store.adopt({ name: 'p', text });
  store.adopt({ name: 'p', text });
  store.adopt({ name: 'mine', text: text.replace('"p"', '"mine"') });
  store.adopt({ name: 'bad', text: '{"pattern":"t","nonsense":1}' });
  await store.put(policy('q', { 'max-depth': 2 }));
  const depth = store.policies.ofTopic('t').maxDepth;
  store.adopt({ name: 'p', text: null });
  await store.remove('q');
  const restarted = open();
  await restarted.load();

  assert.equal(depth, 5);
  assert.equal(applied(), 4);
  assert.deepEqual(restarted.policies.list(), []);
  assert.deepEqual(
    log.filter((line) => line.includes('another broker')).map((line) => line.split(' - ')[0]),
    [
      'policy mine of another broker is not in force',
      'policy bad of another broker is not in force',
    ],
  );
});
