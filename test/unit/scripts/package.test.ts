import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const description = JSON.parse(readProjectFile('package.json'));

function readProjectFile(name: string): string {
  return readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
}

test('package.json: has the version of the newest chapter of the changelog', () => {
  assert.equal(
    /^## (\d+\.\d+\.\d+)/m.exec(readProjectFile('CHANGELOG.md'))?.[1],
    description.version,
  );
  assert.equal(JSON.parse(readProjectFile('package-lock.json')).version, description.version);
});

test('package.json: says where the project is, and where faults are reported', () => {
  const home = 'https://github.com/ringmq/ringmq';

  assert.deepEqual(
    [description.homepage, description.bugs, description.repository.url],
    [`${home}#readme`, `${home}/issues`, `git+${home}.git`],
  );
});
