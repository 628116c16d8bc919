import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAccess } from '../../../../src/companions/operator/access-command.ts';
import { SecretHash } from '../../../../src/daemon/access/secret-hash.ts';
import { runWords } from '../../../support/operator.ts';

const SECRET = /^secret = "(scrypt:[^"]+)"$/m;

async function isHashOf(text: string, secret: string): Promise<boolean> {
  const hash = SecretHash.parse(SECRET.exec(text)?.[1] ?? '');
  return hash instanceof SecretHash && (await hash.matches(Buffer.from(secret)));
}

test('ringmq access hash: a client whose secret comes from standard input', async () => {
  const { code, stdout } = await runWords(
    runAccess,
    ['hash', 'ops', '--role=admin', '--role=read', '--topic=orders'],
    { readInput: async () => Buffer.from('s3cret\n') },
  );

  assert.equal(code, 0);
  assert.equal(
    stdout.replace(SECRET, 'secret'),
    '\n[[client]]\nname = "ops"\nsecret\nroles = ["admin","read"]\ntopics = ["orders"]\n',
  );
  assert.equal(await isHashOf(stdout, 's3cret'), true);
});

test('ringmq access new: a random secret, which is not in what goes to the file', async () => {
  const { code, stdout, stderr } = await runWords(runAccess, ['new', 'prometheus']);
  const json = await runWords(runAccess, ['new', 'prometheus', '--json']);

  const [, secret] = /^token: prometheus\.([\w-]{32})\n$/.exec(stderr) ?? [];
  assert.equal(code, 0);
  assert.equal(await isHashOf(stdout, secret), true);
  assert.equal(stdout.includes(secret), false);
  assert.match(JSON.parse(json.stdout).token, /^prometheus\.[\w-]{32}$/);
  assert.equal(json.stderr, '');
});

test('ringmq access: wrong usage ends with 2', async () => {
  for (const words of [
    ['hash', 'ops'],
    ['hash', 'a.b'],
    ['new'],
    ['make', 'ops'],
    ['new', 'ops', '--role=root'],
  ]) {
    const { code, stdout } = await runWords(runAccess, words);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
  }
});
