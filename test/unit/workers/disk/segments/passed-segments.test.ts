import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassedSegments } from '../../../../../src/workers/disk/segments/passed-segments.ts';
import { RecordStates } from '../../../../../src/workers/disk/states/record-states.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { FILES, makeContext, writeFinished } from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

const RECORD = diskRecord(1, 'a');

/** Segments 3, 4 and 5 with both sidecars, left by the reader; 4 is damaged. */
function setUp() {
  const { disk, context, log } = makeContext();
  const states = new RecordStates(context);
  const passed = new PassedSegments(context, states);
  for (const segment of [3, 4, 5]) {
    disk.put(FILES.segment(segment), RECORD);
    writeFinished(states, segment, 0, RECORD);
    disk.put(FILES.checksums(segment), Buffer.alloc(20));
    passed.add({ segment, sizeBytes: RECORD.length, isDamaged: segment === 4 });
  }
  const names = (): string[] =>
    disk.names('/data').map((name) => name.slice('q.diskqueue.'.length));
  const sidecars = (): string[] =>
    disk.names(FILES.sidecarDirectory).map((name) => name.slice('q.diskqueue.'.length));
  return { disk, passed, log, names, sidecars };
}

test('PassedSegments: a segment is removed when it is released and lies before the end', () => {
  const { passed, names } = setUp();

  const isNewlyReleased = [passed.releaseBefore(5), passed.releaseBefore(5)];
  const isRemoved = [passed.removeReleased(4), passed.removeReleased(4)];

  assert.deepStrictEqual(
    [isNewlyReleased, isRemoved],
    [
      [true, false],
      [true, false],
    ],
  );
  assert.deepStrictEqual(names(), ['000004.dat', '000005.dat']);
  assert.deepStrictEqual([passed.first, passed.oldest?.segment], [4, 5]);
  assert.deepStrictEqual([passed.count, passed.sizeBytes], [1, RECORD.length]);
  assert.strictEqual(passed.hasReleased, true);
});

test('PassedSegments: a damaged segment keeps its bytes under a name that is free', () => {
  const { disk, passed, names } = setUp();
  disk.put(FILES.damagedSegment(4), Buffer.from('earlier'));
  passed.releaseBefore(5);

  passed.removeReleased(5);

  assert.deepStrictEqual(names(), ['000004.dat.bad', '000004.dat.bad.1', '000005.dat']);
  assert.deepStrictEqual(disk.content(`${FILES.damagedSegment(4)}.1`), RECORD);
});

test('PassedSegments: sidecars stay until they are removed, after their segments', () => {
  const { passed, sidecars } = setUp();
  passed.releaseBefore(5);
  passed.removeReleased(5);
  const before = sidecars().length;

  passed.removeSidecars();

  assert.deepStrictEqual([before, sidecars()], [6, ['000005.notes', '000005.sums']]);
});

test('PassedSegments: what cannot be removed is logged and tried again, with all behind it', () => {
  const { disk, passed, log, names } = setUp();
  passed.releaseBefore(6);
  disk.onCall = (call, path) => {
    if (call === 'rename') throw new SystemError('EIO', call, path);
  };

  const whileFailing = [passed.removeReleased(6), names()];
  disk.onCall = () => undefined;
  const isRemoved = passed.removeReleased(6);

  assert.deepStrictEqual(whileFailing, [true, ['000004.dat', '000005.dat']]);
  assert.match(log.join(), /^failed to remove segment 4 - .*EIO/);
  assert.deepStrictEqual(
    [isRemoved, names(), passed.hasReleased],
    [true, ['000004.dat.bad'], false],
  );
});

test('PassedSegments: sidecars of an earlier process are removed with the released segments', () => {
  const { disk, passed, sidecars } = setUp();
  passed.clear();
  disk.delete(FILES.segment(3));
  passed.addReleased([3]);

  const isRemoved = passed.removeReleased(4);
  passed.removeSidecars();

  assert.strictEqual(isRemoved, true);
  assert.ok(!sidecars().some((name) => name.startsWith('000003')));
});
