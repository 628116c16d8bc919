import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedSyncs } from '../../../../../src/workers/disk/files/shared-syncs.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

/** A disk that counts syncs of directories. */
function makeDisk() {
  const disk = new MemoryFileSystem('/data', '/other');
  const syncs: string[] = [];
  let isFailing = false;
  disk.onCall = (call, path) => {
    if (call !== 'syncDirectory') return;
    syncs.push(path);
    if (isFailing) throw new SystemError('EIO', call, path);
  };
  return {
    disk,
    shared: new SharedSyncs(disk),
    syncs,
    setFailing: (is: boolean) => {
      isFailing = is;
    },
  };
}

function createFile(shared: SharedSyncs, path: string): void {
  const handle = shared.create(path);
  assert.notEqual(handle, 'exists');
  if (handle !== 'exists') shared.close(handle);
}

test('SharedSyncs: the names that several queues have changed take one sync', () => {
  const { shared, syncs } = makeDisk();
  createFile(shared, '/data/a');
  createFile(shared, '/data/b');

  for (let queue = 0; queue < 2; queue++) shared.syncDirectory('/data');

  assert.deepStrictEqual(syncs, ['/data']);
});

const CHANGES: Readonly<Record<string, (shared: SharedSyncs) => void>> = {
  create: (shared) => createFile(shared, '/data/new'),
  createOrEmpty: (shared) => shared.close(shared.createOrEmpty('/data/old')),
  rename: (shared) => shared.rename('/data/old', '/data/new'),
  'rename from another directory': (shared) => shared.rename('/other/old', '/data/new'),
  'rename to another directory': (shared) => shared.rename('/data/old', '/other/new'),
  remove: (shared) => shared.remove('/data/old'),
  makeDirectory: (shared) => shared.makeDirectory('/data/new'),
};

for (const [name, change] of Object.entries(CHANGES)) {
  test(`SharedSyncs: ${name} needs another sync`, () => {
    const { shared, syncs, disk } = makeDisk();
    for (const path of ['/data/old', '/other/old']) disk.put(path, Buffer.from('x'));
    shared.syncDirectory('/data');
    change(shared);

    shared.syncDirectory('/data');

    assert.deepStrictEqual(syncs, ['/data', '/data']);
  });
}

test('SharedSyncs: a failed sync fails for all queues of the turn, and is repeated in the next', () => {
  const { shared, syncs, setFailing } = makeDisk();
  createFile(shared, '/data/a');
  setFailing(true);
  assert.throws(() => shared.syncDirectory('/data'), /EIO/);
  setFailing(false);

  assert.throws(() => shared.syncDirectory('/data'), /EIO/);
  shared.syncDirectory('/other');
  shared.beginTurn();
  shared.syncDirectory('/data');

  assert.deepStrictEqual(syncs, ['/data', '/other', '/data']);
});
