import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TestGroups } from '../../../../scripts/tests/test-groups.ts';

test('TestGroups: files of a directory of test/unit are one, others stay themselves', (t) => {
  const groups = new TestGroups('/p', [
    '/p/test/e2e/http.test.ts',
    '/p/test/unit/shared/ring/ring.test.ts',
    '/p/test/unit/daemon/log.test.ts',
    '/p/test/unit/shared/clock.test.ts',
    '/p/test/unit/alone.test.ts',
  ]);
  t.after(() => groups.remove());

  const [shared, daemon, ...others] = groups.files;

  assert.deepEqual(others, ['/p/test/e2e/http.test.ts', '/p/test/unit/alone.test.ts']);
  assert.deepEqual(
    groups.files.map((file) => groups.titleOf(file)),
    ['test/unit/shared', 'test/unit/daemon', undefined, undefined],
  );
  assert.equal(
    readFileSync(shared, 'utf8'),
    'import "file:///p/test/unit/shared/ring/ring.test.ts";\nimport "file:///p/test/unit/shared/clock.test.ts";\n',
  );
  assert.equal(readFileSync(daemon, 'utf8'), 'import "file:///p/test/unit/daemon/log.test.ts";\n');
});

test('TestGroups: what takes longest comes first', (t) => {
  const groups = new TestGroups('/p', [
    '/p/test/crash/every-crash.test.ts',
    '/p/test/e2e/access.test.ts',
    '/p/test/e2e/page.test.ts',
    '/p/test/unit/daemon/log.test.ts',
  ]);
  t.after(() => groups.remove());

  assert.deepEqual(
    groups.files.map((file) => groups.titleOf(file) ?? file),
    [
      '/p/test/crash/every-crash.test.ts',
      '/p/test/e2e/page.test.ts',
      'test/unit/daemon',
      '/p/test/e2e/access.test.ts',
    ],
  );
});

test('TestGroups: nothing remains of them', () => {
  const groups = new TestGroups('/p', ['/p/test/unit/daemon/log.test.ts']);
  groups.remove();

  assert.ok(!groups.files.some((file) => existsSync(file)));
});
