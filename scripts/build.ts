// Emits dist/ for publication: the sources without their types, import specifiers rewritten to .js.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const result = spawnSync('tsc', ['--project', path.join(root, 'tsconfig.build.json')], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (result.status !== 0) process.exit(result.status ?? 1);
chmodSync(path.join(root, 'dist', 'main', 'index.js'), 0o755);
