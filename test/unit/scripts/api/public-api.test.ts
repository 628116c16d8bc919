/** What users see of the package: every name is explained with an example, and the page that shows them is true. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { API_PAGE, publicDeclarations, writtenApi } from '../../../../scripts/api/written-api.ts';

const REGENERATE =
  'the public interface has changed: run `node scripts/api.ts`, and tell users in CHANGELOG.md';

const declarations = publicDeclarations();

test('public interface: docs/api.md shows it as it is', () => {
  const written = readFileSync(API_PAGE, 'utf8');

  assert.equal(written, writtenApi(declarations), REGENERATE);
});

test('public interface: every name has a comment and an example', () => {
  const without = [...declarations.values()]
    .flat()
    .filter(({ text, examples }) => text === '' || examples.length === 0)
    .map(({ name }) => name);

  assert.deepEqual(without, []);
});

test('public interface: nothing that is internal shows', () => {
  const code = [...declarations.values()].flat().map((declaration) => declaration.code);

  assert.deepEqual(
    code.filter((text) => /@internal|\bEnvironment\b|\w_:/.test(text)),
    [],
  );
});
