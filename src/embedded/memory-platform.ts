/**
 * The platform of a broker in memory: no directory, no worker threads.
 *
 * Thread: main.
 */

import { MemoryTexts } from '../daemon/text-files.ts';
import { MemoryStorage } from '../main/storage/memory-storage.ts';
import type { Platform } from '../main/storage/platform.ts';
import type { Clock } from '../shared/clock.ts';
import { InlineThreads } from './inline-threads.ts';

export function memoryPlatform(clock: Clock): Platform {
  return {
    textFiles: new MemoryTexts(),
    lock: async () => ({ release: async () => undefined }),
    startThreads: (options, pumpBytes) => new InlineThreads(options, pumpBytes, clock),
    makeStorage: (setup) => new MemoryStorage(setup),
  };
}
