import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatRfc3339 } from '../../../../src/daemon/go/go-text.ts';
import { foundText, storedFiles } from '../../../../src/main/storage/start-report.ts';

const NOTHING = { topics: [], producers: null };

test('storedFiles: counts the data files of queues and nothing else', (t) => {
  const directory = temporaryDirectory(t);
  for (const name of ['t.diskqueue.000000.dat', 't:c.diskqueue.000001.dat']) {
    writeFileSync(join(directory, name), 'x'.repeat(1024));
  }
  for (const name of ['t.diskqueue.meta.dat', 'nsqd.dat', 'other']) {
    writeFileSync(join(directory, name), 'x');
  }

  const files = storedFiles(directory);

  assert.deepEqual([files.count, files.bytes], [2, 2048]);
  const { birthtimeMs, mtimeMs } = statSync(join(directory, 't.diskqueue.000000.dat'));
  assert.ok(files.sinceMs <= Math.max(birthtimeMs, mtimeMs));
  const since = formatRfc3339(files.sinceMs);
  assert.equal(
    foundText('data path /data', NOTHING, files),
    `data path /data: 0 topics, 0 channels, 0 messages, 2.0KiB in 2 data files since ${since}`,
  );
});

test('foundText: an empty directory has no data files', (t) => {
  assert.equal(
    foundText('data path /data', NOTHING, storedFiles(temporaryDirectory(t))),
    'data path /data: 0 topics, 0 channels, 0 messages, no data files',
  );
});

function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}
