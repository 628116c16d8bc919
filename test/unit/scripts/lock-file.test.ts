import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

type LockedPackage = {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
};

const text = readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8');
const packages = new Map<string, LockedPackage>(Object.entries(JSON.parse(text).packages));

/** The package that a `require` of this name finds from there, as Node looks for it. */
function find(name: string, from: string): string | undefined {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))
  ) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages.has(candidate)) return candidate;
    if (folder === '') return undefined;
  }
}

test('package-lock.json: has every package that a package names, those of other platforms too', () => {
  const missing: string[] = [];
  for (const [where, { dependencies = {}, optionalDependencies = {} }] of packages) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (find(name, where) === undefined) missing.push(`${where} names ${name}`);
    }
  }

  assert.deepEqual(missing, []);
});

test('package-lock.json: holds each package to its content, and names no registry', () => {
  const wrong = [...packages].filter(
    ([where, { integrity, resolved }]) =>
      where !== '' && (integrity === undefined || resolved !== undefined),
  );

  assert.deepEqual(wrong, []);
});
