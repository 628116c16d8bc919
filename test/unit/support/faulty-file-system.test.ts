import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrashFileSystem } from '../../support/crash-file-system.ts';
import { type Fault, FaultyFileSystem } from '../../support/faulty-file-system.ts';

const PATH = '/data/file';

function setUp(): { readonly disk: CrashFileSystem; readonly faulty: FaultyFileSystem } {
  const disk = new CrashFileSystem('/data');
  return { disk, faulty: new FaultyFileSystem(disk) };
}

/** Which of five calls of `size` fail. */
function failures(faulty: FaultyFileSystem, fault: Fault): string[] {
  faulty.fail(fault);
  return Array.from({ length: 5 }, () => {
    try {
      faulty.size(PATH);
      return 'well';
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  });
}

test('FaultyFileSystem: the calls that were asked for fail', () => {
  const { faulty } = setUp();

  const found = failures(faulty, { kind: 'EACCES', after: 1, times: 2 });

  assert.deepStrictEqual(found, ['well', 'EACCES', 'EACCES', 'well', 'well']);
  assert.deepStrictEqual([faulty.callCount, faulty.failedCount], [5, 2]);
});

test('FaultyFileSystem: a call does not fail with what it cannot fail with', () => {
  const { faulty } = setUp();

  const found = [
    failures(faulty, { kind: 'ENOSPC', after: 0, times: Infinity }),
    failures(faulty, { kind: 'EIO', calls: ['read'], after: 0, times: Infinity }),
  ];

  assert.deepStrictEqual(found.flat(), Array(10).fill('well'));
});

test('FaultyFileSystem: a short write leaves its first half', () => {
  const { disk, faulty } = setUp();
  const handle = faulty.createOrEmpty(PATH);
  faulty.fail({ kind: 'short', after: 0, times: 1 });

  assert.throws(() => faulty.write(handle, Buffer.from('abcd'), 0, 4, 0), { code: 'ENOSPC' });

  assert.strictEqual(disk.content(PATH).toString(), 'ab');
});

test('FaultyFileSystem: a handle is closed although its close fails', () => {
  const { disk, faulty } = setUp();
  const handle = faulty.createOrEmpty(PATH);
  faulty.fail({ kind: 'EIO', after: 0, times: 1 });

  assert.throws(() => faulty.close(handle), { code: 'EIO' });

  assert.strictEqual(disk.openCount, 0);
});

test('FaultyFileSystem: after a failed sync the disk takes the bytes for written', () => {
  const { disk, faulty } = setUp();
  const handle = faulty.createOrEmpty(PATH);
  faulty.syncDirectory('/data');
  faulty.write(handle, Buffer.from('abcd'), 0, 4, 0);
  faulty.fail({ kind: 'EIO', after: 0, times: Infinity });

  assert.throws(() => faulty.sync(handle), { code: 'EIO' });
  faulty.heal();
  faulty.sync(handle);

  const after = disk.afterPowerLoss(() => 0);
  assert.strictEqual(after.content(PATH).toString(), '\0\0\0\0');
  assert.strictEqual(faulty.failedSyncCount, 1);
});
