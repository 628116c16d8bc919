import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileSystem } from '../../../../src/workers/disk/files/file-system.ts';
import { IoLoop } from '../../../../src/workers/disk/io-loop.ts';
import { readQueueFiles } from '../../../support/disk-files.ts';
import { DATA_PATH } from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { PumpSide } from '../../../support/pump-side.ts';
import { SystemError } from '../../../support/system-error.ts';

const DUE = 1_800_000_000_123;

/** A loop with one pump, and a disk whose calls fail when the test says so. */
class Setup {
  readonly disk = new MemoryFileSystem(DATA_PATH);
  readonly pump = new PumpSide();
  readonly #loop = new IoLoop({
    links: [this.pump.link],
    fileSystem: this.disk,
    dataPath: DATA_PATH,
    maxBytesPerFile: 1000,
    maxMsgSize: 100,
    syncEvery: 2500,
    syncTimeoutMs: 3_600_000,
    thread: 0,
  });

  settle(nowMs = 0): void {
    while (this.#loop.step(nowMs) > 0);
  }

  /** Has calls of this kind fail for files whose paths have such a part. */
  fail(action: keyof FileSystem, part = '', code = 'EIO'): void {
    this.disk.onCall = (called, path) => {
      if (called === action && path.includes(part)) throw new SystemError(code, action, path);
    };
  }

  heal(): void {
    this.disk.onCall = () => undefined;
  }

  /** Closes the queue at that time. Returns whether it is closed, or why it is not. */
  close(nowMs = 0): string {
    this.pump.close(1);
    this.settle(nowMs);
    const answer = this.pump.take().at(-1);
    assert.equal(answer?.type, 'CLOSED');
    return answer.isOk ? 'closed' : answer.text;
  }

  /** What nsqd finds. */
  messages(): string[] {
    const content = (name: string): Buffer => this.disk.content(`${DATA_PATH}/${name}`);
    const files = readQueueFiles({ names: this.disk.names(DATA_PATH), content }, 't');
    assert.deepEqual(files.problems, []);
    return files.messages.map(({ body }) => body);
  }
}

for (const [action, part] of [
  ['sync', '000000.dat'],
  ['syncDirectory', ''],
  ['createOrEmpty', 'meta.dat'],
  ['rename', 'meta.dat'],
  ['sync', '.tmp'],
  ['close', '.tmp'],
] as const) {
  test(`IoLoop: a close that fails at ${action} ${part} may be tried again until it works`, () => {
    const setup = new Setup();
    setup.pump.open(1, 't');
    setup.pump.append(1, 1, 2);
    setup.settle();
    setup.pump.take();

    setup.fail(action, part);
    const failed = [setup.close(0), setup.close(60_000)];
    setup.heal();
    const closed = setup.close(61_000);

    for (const text of failed) assert.match(text, /^sync queue t: .*EIO/);
    assert.equal(closed, 'closed');
    assert.deepEqual(setup.messages(), ['message 1', 'message 2']);
    // The disk in memory keeps a handle whose close fails.
    if (action !== 'close') assert.equal(setup.disk.openCount, 0);
  });
}

for (const part of ['.sums', '000000.dat', '.notes']) {
  test(`IoLoop: a file handle (${part}) that fails to close costs nothing once all is synced`, () => {
    const setup = new Setup();
    setup.pump.open(1, 't');
    setup.pump.append(1, 1);
    setup.pump.appendDeferred(1, [2, DUE]);
    setup.settle();
    setup.pump.take();

    setup.fail('close', part);

    assert.equal(setup.close(), 'closed');
    assert.deepEqual(setup.messages(), ['message 1', 'message 2']);
  });
}

test('IoLoop: states that a disk has no room for are tried again for 20 s, and never keep a queue from closing', () => {
  const setup = new Setup();
  setup.pump.open(1, 't');
  setup.pump.append(1, 1);
  setup.pump.appendDeferred(1, [2, DUE]);
  setup.settle();
  setup.pump.take();

  setup.fail('sync', '.notes', 'ENOSPC');
  const failed = [setup.close(1000), setup.close(20_999)];
  const closed = setup.close(21_000);

  for (const text of failed) assert.match(text, /^sync queue t: sync segment .*notes: ENOSPC/);
  assert.equal(closed, 'closed');
  assert.deepEqual(setup.messages(), ['message 1', 'message 2']);
  assert.match(
    setup.pump.log.at(-1) ?? '',
    /^4 DISKQUEUE\(t\): due times and attempts are not all kept - sync segment .*: ENOSPC/,
  );
});

test('IoLoop: states that fail to be synced on a disk that is well are tried again for 3 s', () => {
  const setup = new Setup();
  setup.pump.open(1, 't');
  setup.pump.append(1, 1);
  setup.pump.appendDeferred(1, [2, DUE]);
  setup.settle();
  setup.pump.take();

  setup.fail('sync', '.notes');
  const failed = [setup.close(1000), setup.close(2000), setup.close(3999)];
  const closed = setup.close(4000);

  for (const text of failed) assert.match(text, /^sync queue t: sync segment .*notes: EIO/);
  assert.equal(closed, 'closed');
  assert.deepEqual(setup.messages(), ['message 1', 'message 2']);
  assert.match(
    setup.pump.log.at(-1) ?? '',
    /^4 DISKQUEUE\(t\): due times and attempts are not durable - sync segment .*: EIO/,
  );
});

test('IoLoop: states that can be synced again while the queue is closed are kept', () => {
  const setup = new Setup();
  setup.pump.open(1, 't');
  setup.pump.appendDeferred(1, [2, DUE]);
  setup.settle();
  setup.pump.take();
  setup.fail('sync', '.notes');
  setup.close(0);
  setup.heal();
  const closed = setup.close(1000);

  setup.pump.open(2, 't');
  setup.settle(1000);

  assert.equal(closed, 'closed');
  assert.deepEqual(
    setup.pump.take().map(({ type, deferred }) => [type, deferred]),
    [['OPENED', 1]],
  );
});

test('IoLoop: an old copy of metadata that cannot be removed never keeps records from being written', () => {
  const setup = new Setup();
  setup.pump.open(1, 't');
  setup.settle();
  setup.pump.take();
  setup.fail('remove', 'meta.copy');

  const answers: boolean[] = [];
  for (let second = 0; second < 5; second++) {
    setup.pump.append(1, 1);
    setup.settle(second * 1000);
    answers.push(setup.pump.take().some(({ type, isOk }) => type === 'APPENDED' && isOk));
  }
  const closed = setup.close(5000);

  assert.deepEqual(answers, [false, false, false, false, true]);
  assert.equal(closed, 'closed');
  assert.deepEqual(setup.messages(), ['message 1']);
});
