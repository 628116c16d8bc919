import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptAs, SidecarPatience } from '../../../../../src/workers/disk/files/sidecar-patience.ts';
import { makeContext } from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

const PATH = '/data/q.notes';
const PATIENCE_MS = 3000;
const WORKS = (): void => undefined;
const FAILS = (): never => {
  throw new SystemError('EIO', 'write', '/data/other');
};

function errorWith(code: string): SystemError {
  return new SystemError(code, 'read', PATH);
}

/** Tries to read at these times; returns what each try said. */
function triesAt(
  patience: SidecarPatience,
  code: string,
  times: readonly number[],
  probe: () => unknown = WORKS,
): boolean[] {
  return times.map((nowMs) => {
    patience.nowMs = nowMs;
    return patience.isOver('read', PATH, errorWith(code), probe);
  });
}

test('SidecarPatience: a file gets three seconds and three tries', () => {
  const often = triesAt(new SidecarPatience(), 'EIO', [
    0,
    1000,
    2000,
    PATIENCE_MS - 1,
    PATIENCE_MS,
  ]);
  const rarely = triesAt(new SidecarPatience(), 'EIO', [0, 10_000, 20_000]);

  assert.deepStrictEqual(often, [false, false, false, false, true]);
  assert.deepStrictEqual(rarely, [false, false, true]);
});

test('SidecarPatience: something that is not a file gets none', () => {
  for (const code of ['EISDIR', 'ENOTDIR', 'ELOOP']) {
    assert.deepStrictEqual(triesAt(new SidecarPatience(), code, [0]), [true], code);
  }
});

test('SidecarPatience: what the file has not caused never ends it', () => {
  for (const code of ['ENOSPC', 'EROFS', 'EMFILE', 'ENOMEM']) {
    const tries = triesAt(new SidecarPatience(), code, [0, 1000, 2000, 10_000]);
    assert.deepStrictEqual(tries, [false, false, false, false], code);
  }
});

test('SidecarPatience: an error that is not of the system never ends it', () => {
  const patience = new SidecarPatience();
  for (const nowMs of [0, 1000, 2000, 10_000]) {
    patience.nowMs = nowMs;
    assert.equal(patience.isOver('read', PATH, new Error('other'), WORKS), false);
  }
});

test('SidecarPatience: while the disk fails as a whole it waits, and the file then gets its full time', () => {
  const patience = new SidecarPatience();
  assert.deepStrictEqual(triesAt(patience, 'EIO', [0, 1000, 2000, PATIENCE_MS], FAILS), [
    false,
    false,
    false,
    false,
  ]);

  assert.deepStrictEqual(triesAt(patience, 'EIO', [4000, 5000, 6999, 7000]), [
    false,
    false,
    false,
    true,
  ]);
});

test('SidecarPatience: a success begins the time again, for that use alone', () => {
  const patience = new SidecarPatience();
  triesAt(patience, 'EIO', [0, 1000]);
  patience.isOver('write', PATH, errorWith('EIO'), WORKS);
  patience.isOver('write', PATH, errorWith('EIO'), WORKS);
  patience.onUsed('read', PATH);

  assert.deepStrictEqual(triesAt(patience, 'EIO', [5000]), [false]);
  assert.equal(patience.isOver('write', PATH, errorWith('EIO'), WORKS), true);
});

test('SidecarPatience: nothing is remembered of a file that was removed', () => {
  const patience = new SidecarPatience();
  triesAt(patience, 'EIO', [0, 1000]);
  patience.forget(PATH);

  assert.deepStrictEqual(triesAt(patience, 'EIO', [5000, 5001, 5002]), [false, false, false]);
});

test('SidecarPatience: a file that is set aside gets a name that is free', () => {
  const { disk, context } = makeContext();
  const patience = new SidecarPatience();
  const setAside = (): string | undefined => {
    disk.put(PATH, Buffer.from('unusable'));
    return patience.setAside(context.openFiles, PATH);
  };

  assert.deepStrictEqual(
    [setAside(), setAside(), setAside()],
    [`${PATH}.unusable`, `${PATH}.unusable.1`, `${PATH}.unusable.2`],
  );
  assert.equal(disk.names('/data').length, 3);
});

test('SidecarPatience: a file that cannot be renamed stays', () => {
  const { disk, context } = makeContext();
  disk.put(PATH, Buffer.from('unusable'));
  disk.onCall = (call, path) => {
    if (call === 'rename') throw new SystemError('EACCES', call, path);
  };

  assert.equal(new SidecarPatience().setAside(context.openFiles, PATH), undefined);
  assert.deepStrictEqual(disk.names('/data'), ['q.notes']);
});

test('keptAs: tells the operator where the file is', () => {
  assert.equal(keptAs('/data/q.notes.unusable'), 'the file is kept as q.notes.unusable');
  assert.equal(keptAs(undefined), 'the file is left there');
});
