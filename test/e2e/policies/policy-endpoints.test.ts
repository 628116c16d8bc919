import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { pub } from '../../../src/protocol/commands.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { until } from '../../support/broker-stats.ts';
import { askPolicies, setPolicy } from '../../support/policies.ts';
import { WireClient } from '../../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };

const broker = await new BrokerSite({ after }).start();

test('policies: one is set, shown, listed, replaced and removed', LIMIT, async () => {
  const set = await askPolicies(broker, 'PUT', '/policy/retry', {
    pattern: 'orders:*',
    priority: 3,
    definition: { 'max-attempts': 5, 'message-ttl': '90s' },
  });
  const shown = await askPolicies(broker, 'GET', '/policy/retry');
  const replaced = await askPolicies(broker, 'PUT', '/policy/retry', {
    pattern: 'orders:*',
    'max-attempts': 6,
  });
  const listed = await askPolicies(broker, 'GET', '/policy');
  const removed = await askPolicies(broker, 'DELETE', '/policy/retry');
  const gone = await askPolicies(broker, 'GET', '/policy/retry');
  const goneToo = await askPolicies(broker, 'DELETE', '/policy/retry');

  const first = {
    name: 'retry',
    pattern: 'orders:*',
    priority: 3,
    definition: { 'message-ttl': '1m30s', 'max-attempts': 5 },
    source: 'run time',
  };
  const second = { ...first, priority: 0, definition: { 'max-attempts': 6 } };
  assert.deepEqual(set, { status: 200, json: first });
  assert.deepEqual(shown, { status: 200, json: first });
  assert.deepEqual(replaced, { status: 200, json: second });
  assert.deepEqual(listed, { status: 200, json: { policies: [second] } });
  assert.equal(removed.status, 200);
  const notFound = { status: 404, json: { message: 'POLICY_NOT_FOUND' } };
  assert.deepEqual([gone, goneToo], [notFound, notFound]);
});

test('policies: for each key the highest priority decides, then the name', LIMIT, async () => {
  await setPolicy(broker, 'all', { pattern: '*', 'max-depth': 100, 'message-ttl': '1h' });
  await setPolicy(broker, 'b', { pattern: 'mix', priority: 5, 'max-depth': 10 });
  await setPolicy(broker, 'a', { pattern: 'mix', priority: 5, 'max-depth': 20 });
  await setPolicy(broker, 'c', { pattern: 'mix:slow', priority: 9, 'max-rate': 3 });

  const topic = await askPolicies(broker, 'GET', '/policy/effective?topic=mix');
  const channel = await askPolicies(broker, 'GET', '/policy/effective?topic=mix&channel=slow');

  const ofTopic = keysOf(topic.json);
  const ofChannel = keysOf(channel.json);
  assert.deepEqual(ofTopic['max-depth'], { value: 20, policy: 'a' });
  assert.deepEqual(ofTopic['message-ttl'], { value: '1h0m0s', policy: 'all' });
  assert.deepEqual(ofTopic['mem-queue-size'], { value: 10_000, policy: null });
  assert.equal(ofTopic['max-rate'], undefined);
  assert.deepEqual(ofChannel['max-rate'], { value: 3, policy: 'c' });
  assert.deepEqual(ofChannel['max-depth'], { value: 20, policy: 'a' });
  assert.equal(ofChannel['acknowledge'], undefined);
  for (const name of ['all', 'a', 'b', 'c']) await askPolicies(broker, 'DELETE', `/policy/${name}`);
});

for (const [what, name, body, reason] of [
  ['an unknown key', 'x', { pattern: 'a', 'max-dept': 1 }, /"max-dept".*max-depth/],
  ['a value of the wrong kind', 'x', { pattern: 'a', 'max-depth': 'many' }, /max-depth/],
  ['a value out of range', 'x', { pattern: 'a', 'max-attempts': 70_000 }, /max-attempts.*65535/],
  ['a word that no key knows', 'x', { pattern: 'a', 'when-full': 'explode' }, /drop-oldest/],
  ['no pattern', 'x', { 'max-depth': 1 }, /needs a "pattern"/],
  ['a bad pattern', 'x', { pattern: 'a b', 'max-depth': 1 }, /pattern "a b"/],
  ['two colons', 'x', { pattern: 'a:b:c', 'max-depth': 1 }, /more than one colon/],
  ['a key of topics for channels', 'x', { pattern: 'a:b', acknowledge: 'write' }, /is for topics/],
  ['nothing to define', 'x', { pattern: 'a' }, /defines nothing/],
  ['a bad name', 'a%20b', { pattern: 'a', 'max-depth': 1 }, /1 to 64 letters/],
  ['a bad target', 'x', { pattern: 'a', 'dead-letter': 'a b' }, /valid name of a topic/],
  ['no JSON', 'x', '{"pattern"', /not JSON/],
  ['a list', 'x', [], /object with pattern/],
  ['deep JSON', 'x', `{"pattern":${'['.repeat(50_000)}`, /not JSON/],
  ['dead letters to their own topic', 'x', { pattern: 'self', 'dead-letter': 'self' }, /itself/],
] as const) {
  test(`policies: ${what} is refused with the reason`, LIMIT, async () => {
    const { status, json } = await askPolicies(broker, 'PUT', `/policy/${name}`, body);
    const { policies } = (await askPolicies(broker, 'GET', '/policy')).json as { policies: [] };

    assert.equal(status, 400);
    const { message, reason: given } = json as { message: string; reason: string };
    assert.equal(message, 'INVALID_POLICY');
    assert.match(given, reason);
    assert.deepEqual(policies, []);
  });
}

test(
  'policies: a cycle over several topics is refused, and what was there stays',
  LIMIT,
  async () => {
    await setPolicy(broker, 'one', { pattern: 'x1', 'dead-letter': 'x2' });
    await setPolicy(broker, 'two', { pattern: 'x2', 'dead-letter': 'x3' });

    const refused = await askPolicies(broker, 'PUT', '/policy/three', {
      pattern: 'x3',
      'dead-letter': 'x1',
    });
    const ended = await askPolicies(broker, 'PUT', '/policy/three', {
      pattern: 'x3',
      'dead-letter': 'x4',
    });

    assert.equal(refused.status, 400);
    assert.match(JSON.stringify(refused.json), /go round: .*x1.*->.*x2/);
    assert.equal(ended.status, 200);
    for (const name of ['one', 'two', 'three'])
      await askPolicies(broker, 'DELETE', `/policy/${name}`);
  },
);

test(
  'policies: what was set is in force after kill -9 and after a clean restart',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    await setPolicy(first, 'short', { pattern: 'kept:*', 'max-attempts': 2 });
    await first.kill();
    const second = await site.start();
    const afterKill = await askPolicies(second, 'GET', '/policy');
    await second.stop();
    const third = await site.start();
    const effective = await askPolicies(third, 'GET', '/policy/effective?topic=kept&channel=c');

    assert.equal((afterKill.json as { policies: unknown[] }).policies.length, 1);
    assert.deepEqual(keysOf(effective.json)['max-attempts'], { value: 2, policy: 'short' });
  },
);

test('policies: a file that is not understood keeps the broker from starting', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const first = await site.start();
  await setPolicy(first, 'p', { pattern: 'a', 'max-depth': 1 });
  await first.stop();
  const file = path.join(site.dataPath, '.ringmq/policies.json');
  const text = await readFile(file, 'utf8');
  writeFileSync(file, text.replace('max-depth', 'max-dpth'));

  const second = site.launch();
  const { code } = await second.ended;

  assert.equal(code, 1);
  assert.match(second.log, /failed to parse policies in .*policies\.json.*"max-dpth".*max-depth/);
  assert.match(second.log, /repair the file, or move it away/);
});

test(
  'policies: those of the configuration file are read again on SIGHUP, and by /config/reload',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const config = path.join(site.dataPath, 'ringmq.toml');
    const withLimit = (text: string): string => `[policy.from-file]\npattern = "cfg"\n${text}\n`;
    writeFileSync(config, withLimit('max_depth = 7'));
    const configured = await site.start({ flags: [`--config=${config}`] });
    const before = await depthOf();
    const refused = await askPolicies(configured, 'PUT', '/policy/from-file', {
      pattern: 'cfg',
      'max-depth': 1,
    });
    const removed = await askPolicies(configured, 'DELETE', '/policy/from-file');
    writeFileSync(config, withLimit('max-depth = 8'));
    configured.signal('SIGHUP');
    const reloaded = await until(depthOf, ({ value }) => value === 8);
    writeFileSync(config, withLimit('max-depht = 9'));
    configured.signal('SIGHUP');
    await configured.logged(/the old policies stay in force - .*"max-depht".*max-depth/);
    const kept = await depthOf();
    const bad = await askPolicies(configured, 'PUT', '/config/reload');
    writeFileSync(config, `max_rdy_count = 5\nmax_msg_size = 7\n${withLimit('max-depth = 8')}`);
    const good = await askPolicies(configured, 'PUT', '/config/reload');
    const option = await askPolicies(configured, 'GET', '/config/max_rdy_count');

    async function depthOf(): Promise<{ value: unknown; policy: unknown }> {
      const { json } = await askPolicies(configured, 'GET', '/policy/effective?topic=cfg');
      return keysOf(json)['max-depth'];
    }
    assert.deepEqual(before, { value: 7, policy: 'from-file' });
    for (const answer of [refused, removed]) {
      assert.equal(answer.status, 400);
      assert.match(JSON.stringify(answer.json), /set in the configuration file/);
    }
    assert.deepEqual([reloaded.value, kept.value], [8, 8]);
    assert.equal(bad.status, 400);
    assert.match(JSON.stringify(bad.json), /"failed":\[\{"what":"policies","why":".*max-depht/);
    assert.deepEqual(good, {
      status: 200,
      json: { taken: ['max_rdy_count', 'policies'], failed: [], restart: ['max_msg_size'] },
    });
    assert.equal(option.json, 5);
  },
);

test('policies: a bad table of the configuration file is named at the start', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const config = path.join(site.dataPath, 'ringmq.toml');
  writeFileSync(config, '[policy.p]\npattern = "a"\nmax-depht = 1\n');

  const refused = site.launch({ flags: [`--config=${config}`] });
  const { code } = await refused.ended;

  assert.equal(code, 1);
  assert.match(refused.log, /\[policy\.p\]: .*"max-depht".*max-depth/);
});

test('policies: --config-http=off closes the endpoints', LIMIT, async (t) => {
  const closed = await new BrokerSite(t).start({ flags: ['--config-http=off'] });
  const answers = [
    await askPolicies(closed, 'GET', '/policy'),
    await askPolicies(closed, 'PUT', '/policy/p', { pattern: 'a', 'max-depth': 1 }),
    await askPolicies(closed, 'DELETE', '/policy/p'),
  ];

  assert.deepEqual(
    answers.map(({ status }) => status),
    [404, 404, 404],
  );
});

test('policies: without one, statistics show what nsqd shows', LIMIT, async (t) => {
  const client = await WireClient.connect(t, broker, pub('plain', 'a'));
  await client.nextText();
  const { json } = await askPolicies(broker, 'GET', '/stats?format=json&topic=plain');

  const text = JSON.stringify(json);
  for (const word of ['expired', 'dead_letter', 'throttled', 'dropped', 'attempts_ex', 'polic']) {
    assert.ok(!text.includes(word), `${word} in ${text}`);
  }
});

type EffectiveKey = { value: unknown; policy: unknown };

function keysOf(json: unknown): Record<string, EffectiveKey> {
  return (json as { keys: Record<string, EffectiveKey> }).keys;
}
