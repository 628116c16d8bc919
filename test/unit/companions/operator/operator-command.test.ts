import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operatorCommand } from '../../../../src/companions/operator/operator-command.ts';
import { runWords, uniformBroker } from '../../../support/operator.ts';

/** A command that destroys a topic of the broker. */
const command = operatorCommand({
  name: 'delete',
  does: 'deletes a topic',
  forms: ['TOPIC'],
  examples: ['orders'],
  flags: { only: { value: 'KIND', help: 'what is deleted' } },
  destroys: true,
  run: async (call) => {
    const { topic } = call.named(['topic']);
    await call.confirm(topic, `deletes the topic ${topic}`);
    const answer = await call.broker.ask('POST', `/topic/delete?topic=${topic}`);
    call.print({ deleted: topic, answer: answer ?? null, only: call.flags.only ?? null }, () => {
      return `${topic} is deleted\n`;
    });
  },
});

test('an operator command asks the broker, and prints text or JSON', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, '{"left":0}');

  const text = await runWords(command, ['orders', '--yes', `--http-address=${address}`]);
  const json = await runWords(command, ['orders', '--yes', '--json', '--only=all'], {
    env: { RINGMQ_HTTP: address },
  });

  assert.deepEqual(text, { code: 0, stdout: 'orders is deleted\n', stderr: '' });
  assert.deepEqual(JSON.parse(json.stdout), {
    deleted: 'orders',
    answer: { left: 0 },
    only: 'all',
  });
  assert.equal(asked[1].path, '/topic/delete?topic=orders');
});

test('an operator command shows its token, from a flag, the environment or the URL', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, '');
  const env = { RINGMQ_HTTP: address, RINGMQ_TOKEN: 'ops.of-the-environment' };

  await runWords(command, ['t', '--yes'], { env });
  await runWords(command, ['t', '--yes', '--token=ops.given'], { env });
  await runWords(command, ['t', '--yes', `--http-address=http://ops:a%40b@${address}/`]);
  await runWords(command, ['t', '--yes'], { env: { RINGMQ_HTTP: address } });

  assert.deepEqual(
    asked.map(({ headers }) => headers.authorization),
    [
      'Bearer ops.of-the-environment',
      'Bearer ops.given',
      `Basic ${Buffer.from('ops:a@b').toString('base64')}`,
      undefined,
    ],
  );
});

test('an operator command destroys nothing before its name is typed', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, '');
  const env = { RINGMQ_HTTP: address };
  const questions: string[] = [];
  const answering = (typed: string) => ({
    env,
    ask: async (question: string) => {
      questions.push(question);
      return typed;
    },
  });

  const nobody = await runWords(command, ['orders'], { env });
  const other = await runWords(command, ['orders'], answering('yes'));
  const askedBefore = asked.length;
  const same = await runWords(command, ['orders'], answering(' orders '));

  assert.deepEqual(
    [nobody.code, nobody.stderr],
    [4, 'this deletes the topic orders; without a terminal --yes confirms it\n'],
  );
  assert.deepEqual([other.code, other.stderr], [4, 'not confirmed, nothing is done\n']);
  assert.equal(askedBefore, 0);
  assert.equal(same.code, 0);
  assert.equal(questions[0], 'This deletes the topic orders. Type orders to go ahead: ');
});

test('an operator command has an exit code for each kind of failure', async (t) => {
  const missing = await uniformBroker(t, 404, '{"message":"TOPIC_NOT_FOUND"}');
  const locked = await uniformBroker(t, 401, '{"message":"UNAUTHORIZED"}');
  const weak = await uniformBroker(t, 403, '{"message":"ROLE_REQUIRED","role":"admin"}');
  const to = (address: string) => ['t', '--yes', `--http-address=${address}`];

  const refused = await runWords(command, to(missing.address));
  const unknown = await runWords(command, to(locked.address));
  const mistaken = await runWords(command, [...to(locked.address), '--token=ops.wrong']);
  const forbidden = await runWords(command, to(weak.address));
  const silent = await runWords(command, to('127.0.0.1:1'));
  const wrong = await runWords(command, ['t', '--onyl=x']);
  const spare = await runWords(command, ['t', 'u']);
  const bare = await runWords(command, []);
  const noAddress = await runWords(command, to('http://'));

  assert.deepEqual([refused.code, refused.stderr], [1, 'topic not found\n']);
  assert.deepEqual(
    [unknown.code, unknown.stderr],
    [1, 'the broker asks for a token: --token or RINGMQ_TOKEN gives one\n'],
  );
  assert.deepEqual(
    [mistaken.code, mistaken.stderr],
    [1, 'the broker does not accept this token; a token is written <name>.<secret>\n'],
  );
  assert.deepEqual(
    [forbidden.code, forbidden.stderr],
    [1, 'this needs the role admin, which the token does not have\n'],
  );
  assert.equal(silent.code, 3);
  assert.match(
    silent.stderr,
    /no answer from the broker at http:\/\/127\.0\.0\.1:1 - .*RINGMQ_HTTP/,
  );
  for (const { code, stderr } of [wrong, spare, bare, noAddress]) {
    assert.equal(code, 2);
    assert.match(stderr, /ringmq delete --help shows how to use it\n$/);
  }
  assert.match(spare.stderr, /^TOPIC is expected$/m);
});

test('an operator command has a help', async () => {
  const { code, stdout } = await runWords(command, ['--help']);

  assert.equal(code, 0);
  assert.equal(
    stdout,
    `Deletes a topic.

Usage:
  ringmq delete TOPIC

Examples:
  ringmq delete orders

Flags:
  --only=KIND                what is deleted
  --yes                      do not ask for confirmation
  --http-address=HOST:PORT   the broker (default 127.0.0.1:4151, or RINGMQ_HTTP); a URL works too
  --token=TOKEN              token for a broker with --http-access (default: RINGMQ_TOKEN)
  --json                     print JSON
  --help                     print this text

Exit codes: 0 done, 1 the broker refused it, 2 wrong usage, 3 the broker does not answer, 4 not confirmed.
`,
  );
});
