import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { atSources } from '../../../src/daemon/source-frames.ts';

test('source frames: a stack of a bundle names the sources', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringmq-frames-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const source = path.join(folder, 'fails.ts');
  const bundle = path.join(folder, 'out/bundle.js');
  writeFileSync(
    source,
    `type Text = string;\n\nexport function fail(why: Text) {\n  throw new Error(why);\n}\n`,
  );
  await build({ entryPoints: [source], outfile: bundle, format: 'esm', sourcemap: 'linked' });
  const { fail } = await import(pathToFileURL(bundle).href);
  let stack = '';
  try {
    fail('meant');
  } catch (error) {
    stack = (error as Error).stack ?? '';
  }

  const shown = atSources(stack);

  assert.match(stack, /bundle\.js:2:9\)/);
  assert.equal(shown.split('\n')[1]?.trim(), `at fail (${pathToFileURL(source)}:4:9)`);
});

test('source frames: what has no map stays as it is', () => {
  const stack = 'Error: why\n    at f (file:///nowhere/a.js:1:2)\n    at node:fs:3:4';

  assert.equal(atSources(stack), stack);
});
