// Emits dist/ for publication: the sources without their types, import specifiers rewritten to .js.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const result = spawnSync('tsc', ['--project', path.join(root, 'tsconfig.build.json')], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (result.status !== 0) process.exit(result.status ?? 1);
const start = readFileSync(path.join(root, 'src', 'main', 'start.cjs'), 'utf8');
const program = path.join(root, 'dist', 'main', 'start.cjs');
writeFileSync(program, start.replace('./program.ts', './program.js'), { mode: 0o755 });
