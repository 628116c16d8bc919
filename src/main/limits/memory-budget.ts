/**
 * Divides the broker's memory limit.
 *
 * Fixed costs come first: the program and main's heap, each thread, the rings. An eighth of the rest is for
 * incomplete bodies; the pump threads share the remainder equally, for messages. A pump keeps within its share by
 * writing queues to disk early, main by pausing connections (`BodyMemory`).
 *
 * Not counted: what is on its way to consumers that do not read (1 MiB for each of them, see `SocketOutput`), and what
 * the system caches of files.
 *
 * Thread: main, at start-up.
 */

import { totalmem } from 'node:os';
import { describePortion, isNothing, portionBytes } from '../../daemon/options/portion.ts';
import type { Options } from '../options/options.ts';
import { ringSizes } from '../pumps/ring-sizes.ts';

/** The share of each part. Units: bytes. */
export type MemoryBudget = {
  /** For the messages of each pump thread. */
  readonly pumpBytes: number;
  /** For incomplete bodies, over all connections. */
  readonly bodyBytes: number;
  /** The option's value. Undefined: no bound. */
  readonly totalBytes: number | undefined;
  /** Below this limit the shares have their minimum sizes, and the broker exceeds the limit. */
  readonly leastBytes: number;
};

/** The options that determine the budget. */
export type MemoryOptions = Pick<
  Options,
  'maxMemory' | 'pumpThreads' | 'diskThreads' | 'maxMsgSize' | 'maxBodySize'
>;

const MIB = 1024 * 1024;
/**
 * Measured: 60 MiB for the main thread and 66 MiB of code, less with an older Node; plus the growth of the heap under
 * load.
 */
const PROCESS_BYTES = (128 + 64) * MIB;
/** Measured: 26 MiB for each further thread, before anything has passed its rings; plus its heap as above. */
const THREAD_BYTES = (26 + 14) * MIB;
/** A pump with less than this would do little else than write to disk and read again. */
const PUMP_BYTES_MIN = 16 * MIB;
const BODY_SHARE = 1 / 8;
/** The buffer of an incomplete body may be twice as large as its contents. */
const BUFFER_FACTOR = 2;
/** In effect no bound, but usable in arithmetic. */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** Divides `options.maxMemory`. Units: `machineBytes` in bytes, for a percentage of them. */
export function memoryBudget(options: MemoryOptions, machineBytes: number): MemoryBudget {
  const { maxMemory, pumpThreads } = options;
  const fixedBytes = fixedBytesOf(options);
  // Two of the largest: one that continues while another is paused.
  const bodiesMin = 2 * BUFFER_FACTOR * Math.max(options.maxBodySize, options.maxMsgSize);
  const leastBytes = fixedBytes + bodiesMin + pumpThreads * PUMP_BYTES_MIN;
  if (isNothing(maxMemory)) {
    return { pumpBytes: UNBOUNDED, bodyBytes: UNBOUNDED, totalBytes: undefined, leastBytes };
  }
  const totalBytes = portionBytes(maxMemory, machineBytes);
  const freeBytes = Math.max(totalBytes, leastBytes) - fixedBytes;
  // The pumps' minimum takes precedence over more memory for bodies.
  const bodiesMax = freeBytes - pumpThreads * PUMP_BYTES_MIN;
  const share = Math.floor(freeBytes * BODY_SHARE);
  const bodies = Math.max(bodiesMin, Math.min(share, bodiesMax));
  const pumpBytes = Math.floor((freeBytes - bodies) / pumpThreads);
  return { pumpBytes, bodyBytes: Math.floor(bodies / BUFFER_FACTOR), totalBytes, leastBytes };
}

/** Memory available to the process: the machine's, or its container's if that is less. Units: bytes. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  // 0: unknown; without a constraint it exceeds all memory.
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** The option's value, for the log. */
export function describeMemory(options: MemoryOptions, machineBytes: number): string {
  return `--max-memory=${describePortion(options.maxMemory, machineBytes)}`;
}

/** The broker's memory before the first message. */
function fixedBytesOf({ pumpThreads, diskThreads, maxMsgSize }: MemoryOptions): number {
  const rings = ringSizes(maxMsgSize);
  const ofPump = rings.publishes + rings.commands + rings.deliveries;
  const ofLinks = diskThreads * (rings.requests + rings.replies);
  return (
    PROCESS_BYTES + (pumpThreads + diskThreads) * THREAD_BYTES + pumpThreads * (ofPump + ofLinks)
  );
}
