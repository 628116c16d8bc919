/**
 * Bundles the programs of this package with esbuild; this is the only file that uses it.
 *
 * Every bundled source computes paths as if it lay where the compiler would put it below the same directory, so it
 * finds worker files, the page's files and packages there too.
 *
 * Shape: `main/program.js`, `main/worker.js` (the file that Piscina runs in each thread), `workers/*-thread.js`,
 * `companions/program.js` with a chunk for each command, and a source map for each. Packages that are not needed at the
 * start, or have native parts, stay outside.
 */

import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** Packages that are needed at the start and are pure JavaScript. */
const BUNDLED_PACKAGES = ['msgpackr', 'piscina'];
/** Their optional native parts. */
const NATIVE_PARTS = ['@napi-rs/nice', 'msgpackr-extract'];
/** The minimum Node version in package.json. */
const TARGET = 'node22.19';
/** The variables that Node defines for CommonJS packages, for those inside a bundle of modules. */
const BANNER = [
  "import { createRequire as requireOf } from 'node:module';",
  'const require = requireOf(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join(' ');

/** The entry of each bundle; modules that it loads on demand are separate. Units: paths below the project. */
type Program = { readonly source: string; readonly folder: string };

const PROGRAMS: readonly Program[] = [
  { source: 'src/main/program.ts', folder: 'main' },
  // Piscina looks for it in the directory of its own file.
  { source: 'node_modules/piscina/dist/worker.js', folder: 'main' },
  { source: 'src/workers/pump-thread.ts', folder: 'workers' },
  { source: 'src/workers/disk-thread.ts', folder: 'workers' },
  { source: 'src/workers/stream-thread.ts', folder: 'workers' },
  { source: 'src/companions/program.ts', folder: 'companions' },
];

/**
 * Writes the bundles of the project at `root` below `directory`. Returns the files that they were made of, as paths
 * below `root`.
 * Errors: rejects with the errors of esbuild.
 */
export async function bundlePrograms(root: string, directory: string): Promise<string[]> {
  const made = await Promise.all(
    PROGRAMS.map(({ source, folder }) => {
      const outdir = path.join(directory, folder);
      return build({ ...optionsFor(root, directory, outdir), entryPoints: [source] });
    }),
  );
  const sources = new Set(made.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {})));
  await copyLicenses(root, directory);
  return [...sources].sort();
}

/**
 * The files that programs below `root` import, including the programs themselves.
 * Units: absolute paths.
 * Errors: as `bundlePrograms`.
 */
export async function filesOf(root: string, programs: readonly string[]): Promise<Set<string>> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...programs],
    outdir: 'unwritten',
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  return new Set(Object.keys(metafile.inputs).map((name) => path.resolve(root, name)));
}

function optionsFor(root: string, directory: string, outdir: string): BuildOptions {
  return {
    absWorkingDir: root,
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: 'chunk-[hash]',
    format: 'esm',
    platform: 'node',
    target: TARGET,
    banner: { js: BANNER },
    // Inlines constants of other files; names and lines stay readable.
    minifySyntax: true,
    sourcemap: 'linked',
    // A checkout has them, and the package has most of them once already.
    sourcesContent: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [packages(), places(root, directory, outdir)],
  };
}

/** Leaves out all packages except some. */
function packages(): Plugin {
  return {
    name: 'packages',
    setup({ onResolve }) {
      // anything that is neither a path nor one of Node's modules
      onResolve({ filter: /^[^./]/ }, ({ path: specifier, kind }) => {
        if (kind === 'entry-point' || specifier.startsWith('node:')) return undefined;
        const isBundled =
          !NATIVE_PARTS.includes(specifier) &&
          BUNDLED_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`));
        return isBundled ? undefined : { external: true };
      });
    },
  };
}

/** Keeps `import.meta.url` of a source as it is without a bundle. */
function places(root: string, directory: string, outdir: string): Plugin {
  return {
    name: 'places',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path: file }) => {
        const text = await readFile(file, 'utf8');
        if (!text.includes('import.meta.')) return undefined;
        const compiled = path.relative(path.join(root, 'src'), file).replace(/\.ts$/, '.js');
        const place = path.relative(outdir, path.join(directory, compiled));
        const url = `new URL(${JSON.stringify(place.replaceAll(path.sep, '/'))}, import.meta.url)`;
        const contents = text.replaceAll(/import\.meta\.(dirname|url)/g, (_, what) =>
          what === 'url'
            ? `${url}.href`
            : `process.getBuiltinModule('node:url').fileURLToPath(new URL('.', ${url}))`,
        );
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** The licenses of the packages whose code is in the bundles; they must accompany it. */
async function copyLicenses(root: string, directory: string): Promise<void> {
  for (const name of BUNDLED_PACKAGES) {
    const license = path.join(root, 'node_modules', name, 'LICENSE');
    await copyFile(license, path.join(directory, 'main', `LICENSE.${name}`));
  }
}
