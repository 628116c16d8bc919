/**
 * The platform of a broker: what runs its loops, and where it stores its data.
 *
 * Thread: main.
 */

import { type DataLock, lockDataPath } from '../../daemon/data-lock.ts';
import { DISK_FILES, type TextFiles } from '../../daemon/text-files.ts';
import type { Options } from '../options/options.ts';
import type { Threads } from '../pumps/threads.ts';
import { WorkerPools } from '../pumps/worker-pools.ts';
import type { BrokerStorage } from './broker-storage.ts';
import { Storage, type StorageSetup } from './storage.ts';

export interface Platform {
  readonly textFiles: TextFiles;
  /** Locks the data against other processes. Errors: as `lockDataPath`. */
  lock(dataPath: string, warn: (text: string) => void): Promise<DataLock>;
  /** Units: bytes for the messages of each pump. */
  startThreads(options: Options, pumpBytes: number): Threads;
  makeStorage(setup: StorageSetup): BrokerStorage;
}

/** Worker threads and a data directory. `workers`: the location of their files, if not beside this one. */
export function directoryPlatform(workers?: URL): Platform {
  return {
    textFiles: DISK_FILES,
    lock: (dataPath, warn) => lockDataPath(dataPath, warn),
    startThreads: (options, pumpBytes) => new WorkerPools(options, pumpBytes, workers),
    makeStorage: (setup) => new Storage(setup),
  };
}
