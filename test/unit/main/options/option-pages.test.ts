import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { OPTION_ROWS, PROGRAM_FLAGS } from '../../../../src/main/options/options.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const FLAGS: readonly string[] = [...OPTION_ROWS.values(), ...Object.values(PROGRAM_FLAGS)].map(
  ({ flag }) => flag,
);

test('docs/compatibility.md: a row for every option, and none for others', () => {
  const page = readFileSync(path.join(ROOT, 'docs/compatibility.md'), 'utf8');
  const section = page.slice(page.indexOf('\n## Options\n'), page.indexOf('\n## Peers\n'));

  const rows = [...section.matchAll(/^\| --([a-z][a-z0-9-]*) \|/gm)].map(([, flag]) => flag);

  assert.deepEqual(rows.sort(), [...FLAGS, 'help'].sort());
});

test('docs: every flag of the broker that a page mentions exists', () => {
  const names = new Set([...FLAGS, 'help']);
  for (const name of ['guarantees', 'operations', 'security', 'architecture']) {
    const page = readFileSync(path.join(ROOT, `docs/${name}.md`), 'utf8');
    const flags = [...page.matchAll(/`--([a-z0-9-]+)/g)].map(([, flag]) => flag);

    const unknown = flags.filter((flag) => !names.has(flag));

    assert.deepEqual(unknown, [], name);
  }
});
