// Brings node_modules in step with package-lock.json, if it is not yet. Plain JavaScript without dependencies,
// because it is what runs first on a fresh clone, on whatever Node the machine has.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 20;
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const lock = path.join(root, 'package-lock.json');
const installed = path.join(root, 'node_modules', '.ringmq-lock.json');

if (Number(process.versions.node.split('.')[0]) < OLDEST_MAJOR) {
  console.error(
    `ringmq: Node ${OLDEST_MAJOR} or newer is needed to install, this is ${process.version}`,
  );
  process.exit(1);
}
if (!isInStep()) {
  console.error('ringmq: installing dependencies');
  // Not `npm ci`, which refuses a lock file that lacks an optional package of another platform; versions are
  // those of the lock file all the same. The output goes to stderr: what the caller prints on stdout is its own.
  const result = spawnSync('npm', ['install', '--no-save', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error('ringmq: npm install failed');
    process.exit(1);
  }
  copyFileSync(lock, installed);
}
mkdirSync(path.join(root, 'data'), { recursive: true });

function isInStep() {
  try {
    return readFileSync(installed).equals(readFileSync(lock));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}
