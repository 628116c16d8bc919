import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BrokerSite } from '../support/broker-process.ts';
import { Journal } from '../support/journal.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
/** Node has no datagrams on Unix sockets; Python stands for systemd. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('ready', flush=True)
while True:
    print(receiver.recv(4096).decode().replace('\\n', ' '), flush=True)
`;
const isThere =
  spawnSync('systemd-notify', ['--version']).status === 0 &&
  spawnSync('python3', ['--version']).status === 0;
const OPTIONS = {
  timeout: 120_000,
  skip: isThere ? false : 'systemd-notify or Python is not installed',
};

test('sd_notify: systemd learns that the broker is ready, alive, and ends', OPTIONS, async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-notify-'));
  const socket = path.join(directory, 'notify');
  const receiver = spawn('python3', ['-c', RECEIVER, socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    receiver.kill('SIGKILL');
    await once(receiver, 'exit');
    rmSync(directory, { recursive: true });
  });
  const messages = new Journal();
  createInterface(receiver.stdout).on('line', messages.add);
  await messages.until(/^ready$/);
  const site = new BrokerSite(t);
  const broker = site.adopt(
    spawn(
      process.execPath,
      [
        'src/main/start.cjs',
        '--tcp-address=127.0.0.1:0',
        '--http-address=127.0.0.1:0',
        `--data-path=${site.dataPath}`,
      ],
      {
        cwd: PROJECT,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' },
      },
    ),
  );
  await broker.listening();
  const pid = `MAINPID=${broker.pid}`;
  await messages.until(new RegExp(`${pid} READY=1`));
  await messages.until(new RegExp(`${pid} WATCHDOG=1`), 2);
  const ending = await broker.stop();
  await messages.until(new RegExp(`${pid} STOPPING=1`));

  assert.deepEqual(ending, { code: 0, signal: null });
});
