import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPolicyCommand } from '../../../../src/companions/operator/policy-command.ts';
import { runWords, uniformBroker } from '../../../support/operator.ts';

const POLICY = {
  name: 'retries',
  pattern: 'orders:*',
  priority: 3,
  definition: { 'max-attempts': 5, 'dead-letter': '' },
  source: 'run time',
};

function run(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ReturnType<typeof runWords> {
  return runWords(runPolicyCommand, words, { env });
}

test('ringmq policy list: a table of all policies', async (t) => {
  const { address } = await uniformBroker(t, 200, JSON.stringify({ policies: [POLICY] }));

  const { code, stdout } = await run(['list', `--http-address=${address}`]);

  assert.equal(code, 0);
  assert.equal(
    stdout,
    'NAME     PATTERN   PRIORITY  SOURCE    DEFINITION\n' +
      'retries  orders:*  3         run time  max-attempts=5 dead-letter=""\n',
  );
});

test('ringmq policy list: says so when there are none, and prints JSON when asked', async (t) => {
  const { address } = await uniformBroker(t, 200, '{"policies":[]}');

  const text = await run(['list'], { RINGMQ_HTTP: address });
  const json = await run(['list', '--json'], { RINGMQ_HTTP: `http://${address}/` });

  assert.equal(text.stdout, 'there are no policies\n');
  assert.deepEqual(JSON.parse(json.stdout), { policies: [] });
});

test('ringmq policy set: sends pattern, priority and definition', async (t) => {
  const answer = JSON.stringify({ ...POLICY, policies: [POLICY] });
  const { address, asked } = await uniformBroker(t, 200, answer);
  const words = ['set', 'retries', 'orders:*', 'max-attempts=5', 'dead-letter=', '--priority', '3'];

  const { code, stdout } = await run(words, { RINGMQ_HTTP: address });

  assert.deepEqual([code, stdout], [0, 'policy retries is in force\n']);
  const [{ method, path, body }] = asked;
  assert.deepEqual([method, path], ['PUT', '/policy/retries']);
  assert.deepEqual(JSON.parse(body), {
    pattern: 'orders:*',
    priority: 3,
    definition: { 'max-attempts': '5', 'dead-letter': '' },
  });
});

test('ringmq policy set: names the policies that go before it', async (t) => {
  const before = { ...POLICY, name: 'first', pattern: 'orders', definition: { 'max-attempts': 9 } };
  const answer = JSON.stringify({ ...POLICY, policies: [before, POLICY] });
  const { address } = await uniformBroker(t, 200, answer);
  const words = ['set', 'retries', 'orders:*', 'max-attempts=5'];

  const text = await run(words, { RINGMQ_HTTP: address });
  const json = await run([...words, '--json'], { RINGMQ_HTTP: address });

  assert.equal(
    text.stdout,
    'policy retries is set, but other policies go before it:\n' +
      '  max-attempts: policy first decides where orders also matches (max-attempts=9, priority 3)\n',
  );
  assert.deepEqual(JSON.parse(json.stdout).overrides, { 'max-attempts': ['first'] });
});

test('ringmq policy show: one policy, or what holds for a channel', async (t) => {
  const named = await uniformBroker(t, 200, JSON.stringify(POLICY));
  const keys = {
    'max-attempts': { value: 5, policy: 'retries' },
    burst: { value: 1, policy: null },
  };
  const effective = await uniformBroker(t, 200, JSON.stringify({ topic: 'o', channel: 'c', keys }));

  const first = await run(['show', 'retries'], { RINGMQ_HTTP: named.address });
  const second = await run(['show', '--topic=o', '--channel=c'], {
    RINGMQ_HTTP: effective.address,
  });
  const third = await run(['show', 'o:c'], { RINGMQ_HTTP: effective.address });

  assert.match(first.stdout, /^pattern +orders:\*$/m);
  assert.match(first.stdout, /^max-attempts +5$/m);
  assert.match(second.stdout, /^max-attempts +5 +retries$/m);
  assert.match(second.stdout, /^burst +1 +-$/m);
  assert.equal(third.stdout, second.stdout);
  for (const { path } of effective.asked) {
    assert.equal(path, '/policy/effective?topic=o&channel=c');
  }
});

test('ringmq policy delete: deletes', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, '');

  const { code, stdout } = await run(['delete', 'a/b'], { RINGMQ_HTTP: address });

  assert.deepEqual([code, stdout], [0, 'policy a/b is deleted\n']);
  const [{ method, path, body }] = asked;
  assert.deepEqual([method, path, body], ['DELETE', '/policy/a%2Fb', '']);
});

test('ringmq policy: what the broker refuses is said in its words', async (t) => {
  const reason = 'no policy has a key "max-dept", did you mean max-depth?';
  const { address } = await uniformBroker(
    t,
    400,
    JSON.stringify({ message: 'INVALID_POLICY', reason }),
  );

  const { code, stdout, stderr } = await run(['set', 'p', 't', 'max-dept=1'], {
    RINGMQ_HTTP: address,
  });

  assert.deepEqual([code, stdout, stderr], [1, '', `${reason}\n`]);
});

test('ringmq policy: no broker, and no address', async () => {
  const silent = await run(['list', '--http-address=127.0.0.1:1']);
  const wrong = await run(['list', '--http-address=http://']);

  assert.equal(silent.code, 3);
  assert.match(
    silent.stderr,
    /no answer from the broker at http:\/\/127\.0\.0\.1:1 - .*RINGMQ_HTTP/,
  );
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /is neither HOST:PORT nor a URL/);
});

for (const [words, why] of [
  [['lst'], /unknown command "lst"/],
  [['set', 'p', 't'], /set needs NAME PATTERN/],
  [['set', 'p', 't', 'max-depth'], /"max-depth" is not KEY=VALUE/],
  [['delete'], /one NAME/],
  [['show'], /NAME of a policy, or --topic/],
  [['list', '--jsn'], /--jsn/],
] as const) {
  test(`ringmq policy ${words.join(' ')}: wrong usage ends with 2`, async () => {
    const { code, stderr } = await run(words);

    assert.equal(code, 2);
    assert.match(stderr, why);
    assert.match(stderr, /ringmq policy --help/);
  });
}

test('ringmq policy --help: the usage', async () => {
  const asked = await run(['--help']);
  const bare = await run([]);

  assert.deepEqual([asked.code, bare.code], [0, 2]);
  assert.match(asked.stdout, /ringmq policy set NAME PATTERN/);
  assert.ok(asked.stdout.split('\n').every((line) => line.length <= 100));
});
