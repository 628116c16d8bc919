// Emits dist/ for publication: the programs in bundles, as `npm start` has them; for what other programs import, the
// sources without their types, import specifiers rewritten to .js; and the load generators, so that `ringmq bench` is
// there where the package is installed.
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundlePrograms, filesOf } from './bundles/bundle-programs.ts';
import { readArguments } from './kit/arguments.ts';

const USAGE = `usage: node scripts/build.ts

Replaces dist/, the contents of the package: the programs in bundles, the client and createBroker as
JavaScript with their declarations, the page, and the load generators.`;

readArguments(USAGE, {});

const root = path.dirname(import.meta.dirname);
const dist = path.join(root, 'dist');
/** Where the load generators are compiled to, together with what they use of the sources. */
const benchBuild = path.join(dist, 'bench-build');

rmSync(dist, { recursive: true, force: true });
compile('tsconfig.build.json');
// The page is JavaScript already; what only the compiler reads stays behind.
cpSync(path.join(root, 'src/ui'), path.join(dist, 'ui'), {
  recursive: true,
  filter: (file) => !file.endsWith('.d.ts'),
});

compile('tsconfig.types.json');
const publicTypes = new Set<string>();
emitTypes(path.join(dist, 'client/client.d.ts'));
emitTypes(path.join(dist, 'embedded/embedded.d.ts'));
for (const name of globSync('**/*.d.ts', { cwd: dist })) {
  // a file that no public name needs
  if (!publicTypes.has(path.join(dist, name))) rmSync(path.join(dist, name));
}

compile('tsconfig.bench.json');
for (const name of globSync('scripts/**/*.js', { cwd: benchBuild })) {
  const file = path.join(benchBuild, name);
  writeFileSync(file, besideSources(readFileSync(file, 'utf8')));
}
cpSync(path.join(benchBuild, 'scripts'), path.join(dist, 'scripts'), { recursive: true });
rmSync(benchBuild, { recursive: true });

await removeUnused();
await bundlePrograms(root, dist);
emitProgram('src/main/bundles.cjs', 'main/bundles.cjs');
emitProgram('src/main/start.cjs', 'main/start.cjs');
emitProgram('scripts/ringmq.cjs', 'scripts/ringmq.cjs');

/** Removes what only the programs need, which have it in their bundles. */
async function removeUnused(): Promise<void> {
  const importable = [
    'client/client.js',
    'embedded/embedded.js',
    ...globSync('scripts/**/*.js', { cwd: dist }),
  ];
  const used = await filesOf(dist, importable);
  for (const name of globSync('**/*.js', { cwd: dist })) {
    if (name.startsWith('ui') || used.has(path.resolve(dist, name))) continue;
    rmSync(path.join(dist, name));
    rmSync(path.join(dist, `${name}.map`));
  }
}

function compile(project: string): void {
  const { status } = spawnSync('tsc', ['--project', path.join(root, project)], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Completes a file of declarations, and those that it imports. */
function emitTypes(file: string): void {
  if (publicTypes.has(file)) return;
  publicTypes.add(file);
  // the compiler leaves specifiers of declarations as they are
  const text = readFileSync(file, 'utf8').replaceAll(
    /((?:from |import\()'\.[^']*)\.ts'/g,
    "$1.js'",
  );
  writeFileSync(file, text);
  for (const [, specifier] of text.matchAll(/(?:from |import\()'(\.[^']*)\.js'/g)) {
    emitTypes(`${path.join(path.dirname(file), specifier)}.d.ts`);
  }
}

/** A file that is JavaScript already. */
function emitProgram(source: string, target: string): void {
  const text = readFileSync(path.join(root, source), 'utf8');
  const rewritten = besideSources(text).replaceAll(/'(\.[^']*)\.ts'/g, "'$1.js'");
  writeFileSync(path.join(dist, target), rewritten, { mode: 0o755 });
}

/** In dist/ what is in src/ lies beside the other directories. */
function besideSources(text: string): string {
  return text.replaceAll(/'((?:\.\.\/)+)src\//g, "'$1");
}
