import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type NatsAccess,
  natsAccess,
} from '../../../../../src/workers/streams/nats/nats-access.ts';
import { makeCredentials } from '../../../../support/nats-credentials.ts';

/** POSIX has it, on every machine but Windows. */
const MAKE_PIPE = 'mkfifo';
const SKIP = process.platform === 'win32' ? 'there are no named pipes among the files' : false;
const NO_FILES: NatsAccess = {
  servers: ['nats://a:4222', 'nats://b:4222'],
  credentialsFile: '',
  tlsCaFile: '',
  tlsCertFile: '',
  tlsKeyFile: '',
};
const OPTION_OF = {
  credentialsFile: '--nats-credentials',
  tlsCaFile: '--nats-tls-ca',
  tlsCertFile: '--nats-tls-cert',
  tlsKeyFile: '--nats-tls-key',
};

function makeDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('NATS access: without files neither TLS nor credentials are asked for', async () => {
  assert.deepEqual(await natsAccess(NO_FILES), { servers: NO_FILES.servers });
});

test('NATS access: credentials sign, files of certificates are named', async (t) => {
  const file = join(makeDirectory(t), 'user.creds');
  const { text } = makeCredentials();
  writeFileSync(file, text);

  const { authenticator, tls } = await natsAccess({
    ...NO_FILES,
    credentialsFile: file,
    tlsCaFile: file,
    tlsCertFile: file,
    tlsKeyFile: file,
  });

  assert.deepEqual(tls, { caFile: file, certFile: file, keyFile: file });
  assert.ok(typeof authenticator === 'function');
  const proof = authenticator('nonce');
  assert.ok(proof !== undefined && 'jwt' in proof && 'sig' in proof);
  assert.ok(text.includes(proof.jwt));
});

for (const [setting, option] of Object.entries(OPTION_OF)) {
  test(`NATS access: ${option} does not wait for a pipe or a device`, { skip: SKIP }, async (t) => {
    const pipe = join(makeDirectory(t), 'pipe');
    assert.equal(spawnSync(MAKE_PIPE, [pipe]).status, 0);

    for (const [file, why] of [
      [pipe, 'it is a named pipe, not a file'],
      ['/dev/zero', 'it has more than 16777216 bytes'],
      [join(pipe, '..', 'none'), 'ENOENT: no such file or directory'],
    ]) {
      await assert.rejects(natsAccess({ ...NO_FILES, [setting]: file }), (error: Error) =>
        error.message.startsWith(`${option} "${file}": ${why}`),
      );
    }
  });
}
