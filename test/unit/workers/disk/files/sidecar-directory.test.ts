import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError } from '../../../../../src/shared/assert.ts';
import {
  createSidecar,
  syncSidecars,
} from '../../../../../src/workers/disk/files/sidecar-directory.ts';
import { FILES, makeContext } from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

const PATH = FILES.metadataCopy;

test('createSidecar: the directory is made only for a file that cannot be created without', () => {
  const { disk } = makeContext();
  const calls: string[] = [];
  disk.onCall = (call) => calls.push(call);

  for (let time = 0; time < 2; time++) {
    disk.close(createSidecar(disk, PATH, () => disk.createOrEmpty(PATH)));
  }

  const first = ['createOrEmpty', 'makeDirectory', 'createOrEmpty', 'close'];
  assert.deepStrictEqual(calls, [...first, 'createOrEmpty', 'close']);
});

test('createSidecar: where a directory is no help, the error is that of the file', () => {
  const { disk } = makeContext();

  const create = (): number => {
    throw new SystemError('EMFILE', 'createOrEmpty', PATH);
  };

  assert.throws(() => createSidecar(disk, PATH, create), { code: 'EMFILE' });
});

test('createSidecar: a bug is no reason to try again', () => {
  const { disk } = makeContext();
  let count = 0;

  const create = (): number => {
    count++;
    throw new AssertionError('a bug');
  };

  assert.throws(() => createSidecar(disk, PATH, create), AssertionError);
  assert.strictEqual(count, 1);
  assert.deepStrictEqual(disk.list('/data'), []);
});

test('syncSidecars: syncs the directory if there is one, and logs what fails', () => {
  const { disk, context, log } = makeContext();
  syncSidecars(context);
  disk.makeDirectory(FILES.sidecarDirectory);
  const calls: string[] = [];
  disk.onCall = (call, path) => {
    calls.push(`${call} ${path}`);
    if (call === 'syncDirectory') throw new SystemError('EIO', call, path);
  };

  syncSidecars(context);

  assert.strictEqual(calls.at(-1), `syncDirectory ${FILES.sidecarDirectory}`);
  assert.match(log.join(), /^failed to sync directory "\/data\/\.ringmq" - .*EIO/);
});
