// Builds dist/ for publication: the programs as bundles, as `npm start` runs them; for other programs that import the
// package, the sources without their types, with import specifiers rewritten to .js; and the load generators, for
// `ringmq bench` in an installed package.
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
/** The output directory of the load generators and of the sources that they use. */
const benchBuild = path.join(dist, 'bench-build');

rmSync(dist, { recursive: true, force: true });
compile('tsconfig.build.json');
// The page is JavaScript already; files for the compiler alone are left out.
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

/** Removes files that only the programs need: their bundles contain them. */
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

/** Completes a declaration file and those that it imports. */
function emitTypes(file: string): void {
  if (publicTypes.has(file)) return;
  publicTypes.add(file);
  // the compiler does not rewrite specifiers in declarations
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

/** In dist/ the contents of src/ are next to the other directories. */
function besideSources(text: string): string {
  return text.replaceAll(/'((?:\.\.\/)+)src\//g, "'$1");
}
