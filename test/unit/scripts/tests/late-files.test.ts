import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../../../scripts/test.ts', import.meta.url));
const LIMIT = { timeout: 120_000 };
const IMPORTS = `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
`;

/** What the program for tests says of one file, whose tests may take `limitS` seconds each. */
function runFile(
  t: TestContext,
  code: string,
  limitS = 1,
): { text: string; status: number | null } {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'a.test.ts');
  writeFileSync(file, `${IMPORTS}const pidFile = ${JSON.stringify(`${directory}/pid`)};\n${code}`);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    RINGMQ_TEST_FILE_SECONDS: String(limitS),
    RINGMQ_TEST_REPORT: path.join(directory, 'report'),
  };
  // The runner of this file leaves its mark there, and another one would not run below it.
  delete env['NODE_TEST_CONTEXT'];
  const { stdout, status } = spawnSync(process.execPath, [PROGRAM, file], {
    encoding: 'utf8',
    env,
  });
  if (code.includes('pidFile')) {
    const pid = readFileSync(`${directory}/pid`, 'utf8');
    const state = spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout;
    // A container may have nobody who takes notice of an orphan's end.
    assert.match(state, /^(?:Z|$)/);
  }
  return { text: stdout, status };
}

test('a test that never ends is named, and what it has started ends with its file', LIMIT, (t) => {
  const { text, status } = runFile(
    t,
    `test('never ends', () => {
      writeFileSync(pidFile, String(spawn('sleep', ['60']).pid));
      return new Promise(() => undefined);
    });`,
  );

  assert.match(text, /a\.test\.ts: the file ended with status 1 while this ran: never ends\n/);
  assert.match(text, /no test ended for 1 s, kept by: .*ProcessWrap/);
  assert.equal(status, 1);
});

test('a file that leaves something open is named with what it is', LIMIT, (t) => {
  const { text, status } = runFile(t, "test('leaves', () => void createServer().listen(0));");

  assert.match(text, /no test ended for 1 s, kept by: .*TCPServerWrap/);
  assert.match(text, /^failed: .*a\.test\.ts: the file ended with status 1$/m);
  assert.equal(status, 1);
});

test('a file that never returns to its event loop is killed and named', LIMIT, (t) => {
  const { text, status } = runFile(
    t,
    "test('waits', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));",
  );

  assert.match(text, /^failed: .*a\.test\.ts: the file ended with SIGKILL/m);
  assert.equal(status, 1);
});

test('a file may run for longer as long as its tests end', LIMIT, (t) => {
  // These wait for real: the limit is one of real time, in a process of its own.
  const { text, status } = runFile(
    t,
    `for (let number = 0; number < 4; number++) {
      test('takes a third of the limit', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000));
    }`,
    3,
  );

  assert.match(text, /^4 passed, 0 failed, 0 skipped$/m);
  assert.equal(status, 0);
});
