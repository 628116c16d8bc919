/**
 * The bounds of the main thread, derived from the options and the machine: connections, memory for bodies, free disk
 * space.
 *
 * Thread: main.
 */

import { statfs } from 'node:fs/promises';
import { ConnectionLimit } from '../../daemon/connection-limit.ts';
import { descriptorLimit } from '../../daemon/descriptor-limit.ts';
import type { Logger } from '../../daemon/log.ts';
import { roughSize } from '../../daemon/options/byte-size.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Options } from '../options/options.ts';
import { BodyMemory, bodyBounds } from './body-memory.ts';
import { connectionsMax } from './descriptor-limit.ts';
import { DiskSpace } from './disk-space.ts';
import { describeMemory, machineMemoryBytes, memoryBudget } from './memory-budget.ts';

export class Bounds {
  readonly limit: ConnectionLimit;
  readonly bodies: BodyMemory;
  readonly disk: DiskSpace;
  /** The limit of the broker's memory; undefined without one. Units: bytes. */
  readonly memoryBytes: number | undefined;
  /** The memory of each pump thread for messages. */
  readonly pumpBytes: number;

  /** Logs bounds that cannot be met. `onShortage`: see `DiskSpace`. */
  constructor(
    options: Options,
    clock: Clock,
    logger: Logger,
    onShortage: (shortage: string | null) => void,
  ) {
    const { max, warning } = connectionsMax(options, descriptorLimit());
    if (warning !== undefined) logger.warn(warning);
    this.limit = new ConnectionLimit(max, clock, logger);
    const machineBytes = machineMemoryBytes();
    const { totalBytes, leastBytes, pumpBytes, bodyBytes } = memoryBudget(options, machineBytes);
    if (totalBytes !== undefined && totalBytes < leastBytes) {
      const asked = describeMemory(options, machineBytes);
      logger.warn(`${asked} cannot be kept: the broker needs ${roughSize(leastBytes)}`);
    }
    this.memoryBytes = totalBytes;
    this.pumpBytes = pumpBytes;
    const largestBytes = Math.max(options.maxBodySize, options.maxMsgSize);
    this.bodies = new BodyMemory(bodyBounds(bodyBytes, largestBytes), clock, logger);
    this.disk = new DiskSpace({
      path: options.dataPath,
      minFree: options.minFreeDisk,
      readVolume: (path) => statfs(path),
      clock,
      logger,
      onShortage,
    });
  }
}
