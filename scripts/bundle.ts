// Bundles the sources, so that each thread reads one file: `node scripts/bundle.ts`, as `npm start` and `npm test` do.
// Does nothing while the bundles are up to date. If they cannot be made, it prints the reason, and the broker runs from
// its sources, which do the same more slowly; so the exit code is always 0.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { freshBundles } from '../src/main/bundles.cjs';
import { errorText } from '../src/shared/error-text.ts';
import { readArguments } from './kit/arguments.ts';

const USAGE = `usage: node scripts/bundle.ts

Bundles the sources, so that each thread reads one file, unless the bundles are up to date. If that is
not possible, it says why, and programs run from the sources. Always exits with 0.`;

readArguments(USAGE, {});

const root = path.dirname(import.meta.dirname);

if (freshBundles(root) === undefined) {
  if (existsSync(path.join(root, 'node_modules/esbuild'))) await bundle();
  else say('esbuild is not installed (`npm ci` brings it)');
}

async function bundle(): Promise<void> {
  // Loading esbuild takes longer than checking whether it is needed.
  const { makeBundles } = await import('./bundles/make-bundles.ts');
  try {
    await makeBundles(root);
  } catch (error) {
    say(errorText(error));
  }
}

function say(why: string): void {
  console.error(`ringmq: the sources are not bundled, so starting takes longer - ${why}`);
}
