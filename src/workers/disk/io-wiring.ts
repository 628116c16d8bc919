/**
 * Connects an ioLoop to the rings of its task.
 *
 * Thread: disk.
 */

import { Doorbell } from '../../shared/ring/doorbell.ts';
import { RingReader, RingWriter } from '../../shared/ring/ring.ts';
import type { DiskTask } from '../../shared/thread-tasks.ts';
import type { FileSystem } from './files/file-system.ts';
import { IoLoop } from './io-loop.ts';
import type { JournalBounds } from './journal/journal-file.ts';

/** Creates a loop; `runLoop` or a test calls its `step`. `journalBounds`: the default if not given. */
export function wireIoLoop(
  task: DiskTask,
  fileSystem: FileSystem,
  journalBounds?: JournalBounds,
): IoLoop {
  return new IoLoop({
    links: task.pumps.map((pump) => ({
      requests: new RingReader(pump.requests),
      replies: new RingWriter(pump.replies),
      bell: new Doorbell(pump.bell),
    })),
    fileSystem,
    dataPath: task.dataPath,
    maxBytesPerFile: task.maxBytesPerFile,
    maxMsgSize: task.maxMsgSize,
    syncEvery: task.syncEvery,
    syncTimeoutMs: task.syncTimeoutMs,
    thread: task.thread,
    journalBounds,
  });
}
