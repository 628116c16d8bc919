import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';

const MAKE_PIPE = 'mkfifo';
const MODULE = JSON.stringify(new URL('../../../src/daemon/process-end.ts', import.meta.url));
// A thread that opens a pipe for reading waits for a writer, as one waits for a name server or a disk that hangs.
const POSIX = {
  skip: process.platform === 'win32' ? 'there are no POSIX signals' : false,
  timeout: 120_000,
};

for (const code of [0, 1]) {
  test(`exitProcess: ends with ${code} while a thread of the pool waits`, POSIX, async (t) => {
    const program = `
      import { open } from 'node:fs';
      import { exitProcess } from ${MODULE};
      open(${JSON.stringify(makePipe(t))}, () => undefined);
      setImmediate(() => exitProcess(${code}));
    `;

    assert.deepEqual(await run(t, program), { code, signal: null, said: '' });
  });
}

test('exitProcess: replaces no process whose last calls end', POSIX, async (t) => {
  const program = `
    import { stat } from 'node:fs';
    import { exitProcess } from ${MODULE};
    process.execve = () => process.stderr.write('replaced');
    // Node still counts a call while what waited for it runs, and nobody waits for the second one.
    stat('.', () => {
      stat('.', () => undefined);
      exitProcess(3);
    });
  `;

  assert.deepEqual(await run(t, program), { code: 3, signal: null, said: '' });
});

test('exitProcess: ends with the code, after its exit listeners', POSIX, async (t) => {
  const program = `
    import { exitProcess } from ${MODULE};
    process.on('exit', () => process.stderr.write('last'));
    exitProcess(3);
  `;

  assert.deepEqual(await run(t, program), { code: 3, signal: null, said: 'last' });
});

test('cutThreads: ends with 0 while a worker thread waits', POSIX, async (t) => {
  const program = `
    import { Worker } from 'node:worker_threads';
    import { cutThreads } from ${MODULE};
    const code = 'require("node:worker_threads").parentPort.postMessage(0);'
      + 'require("node:fs").openSync(${JSON.stringify(makePipe(t))})';
    new Worker(code, { eval: true, execArgv: [] }).once('message', () => cutThreads(0));
  `;

  assert.deepEqual(await run(t, program), { code: 0, signal: null, said: '' });
});

function makePipe(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'pipe');
  assert.equal(spawnSync(MAKE_PIPE, [path]).status, 0);
  return path;
}

async function run(t: TestContext, program: string): Promise<object> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  t.after(() => child.kill('SIGKILL'));
  const [said, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, signal, said };
}
