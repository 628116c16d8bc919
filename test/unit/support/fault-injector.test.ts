import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fault, FaultInjector } from '../../support/fault-injector.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';

const PATH = '/data/file';

function setUp(): { readonly disk: MemoryFileSystem; readonly faults: FaultInjector } {
  const disk = new MemoryFileSystem('/data');
  return { disk, faults: new FaultInjector(disk) };
}

/** Which of five calls of `size` fail. */
function failures({ disk, faults }: ReturnType<typeof setUp>, fault: Fault): string[] {
  faults.fail(fault);
  return Array.from({ length: 5 }, () => {
    try {
      disk.size(PATH);
      return 'well';
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  });
}

test('FaultInjector: the calls that were asked for fail', () => {
  const bench = setUp();

  const found = failures(bench, { kind: 'EACCES', after: 1, times: 2 });

  assert.deepStrictEqual(found, ['well', 'EACCES', 'EACCES', 'well', 'well']);
  assert.deepStrictEqual([bench.faults.callCount, bench.faults.failedCount], [5, 2]);
});

test('FaultInjector: a call does not fail with what it cannot fail with', () => {
  const bench = setUp();

  const found = [
    failures(bench, { kind: 'ENOSPC', after: 0, times: Infinity }),
    failures(bench, { kind: 'EIO', calls: ['read'], after: 0, times: Infinity }),
  ];

  assert.deepStrictEqual(found.flat(), Array(10).fill('well'));
});

test('FaultInjector: a short write leaves its first half', () => {
  const { disk, faults } = setUp();
  const handle = disk.createOrEmpty(PATH);
  faults.fail({ kind: 'short', after: 0, times: 1 });

  assert.throws(() => disk.write(handle, Buffer.from('abcd'), 0, 4, 0), { code: 'ENOSPC' });

  assert.strictEqual(disk.content(PATH).toString(), 'ab');
});

test('FaultInjector: a handle is closed although its close fails', () => {
  const { disk, faults } = setUp();
  const handle = disk.createOrEmpty(PATH);
  faults.fail({ kind: 'EIO', after: 0, times: 1 });

  assert.throws(() => disk.close(handle), { code: 'EIO' });

  assert.strictEqual(disk.openCount, 0);
});

test('FaultInjector: after a failed sync the disk takes the bytes for written', () => {
  const { disk, faults } = setUp();
  const handle = disk.createOrEmpty(PATH);
  disk.syncDirectory('/data');
  disk.write(handle, Buffer.from('abcd'), 0, 4, 0);
  faults.fail({ kind: 'EIO', after: 0, times: Infinity });

  assert.throws(() => disk.sync(handle), { code: 'EIO' });
  faults.heal();
  disk.sync(handle);

  const after = disk.afterPowerLoss(() => 0);
  assert.strictEqual(after.content(PATH).toString(), '\0\0\0\0');
  assert.strictEqual(faults.failedSyncCount, 1);
});
