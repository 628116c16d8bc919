/**
 * Divides the memory that the broker may take.
 *
 * What the broker needs by itself comes first: the program and main's heap, each thread, the rings. An eighth of the
 * rest is for bodies that have come in part; the remainder is shared equally by the pump threads, for messages. A pump
 * keeps its share by writing queues to disk early, main keeps its own by holding back connections (`BodyMemory`).
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
  /** For bodies that have come in part, over all connections. */
  readonly bodyBytes: number;
  /** What the option says. Undefined: there is no bound. */
  readonly totalBytes: number | undefined;
  /** With less than this, the shares are as small as they get, and the broker takes more than it may. */
  readonly leastBytes: number;
};

/** The options that matter. */
export type MemoryOptions = Pick<
  Options,
  'maxMemory' | 'pumpThreads' | 'diskThreads' | 'maxMsgSize' | 'maxBodySize'
>;

const MIB = 1024 * 1024;
/**
 * Measured: 60 MiB of the main thread's own and 66 MiB of code, less with an older Node; and what the heap grows by
 * under load.
 */
const PROCESS_BYTES = (128 + 64) * MIB;
/** Measured: 26 MiB for each further thread, before anything has gone through its rings; and its heap as above. */
const THREAD_BYTES = (26 + 14) * MIB;
/** A pump with less than this would do little else than write to disk and read again. */
const PUMP_BYTES_MIN = 16 * MIB;
const BODY_SHARE = 1 / 8;
/** A connection that gathers a body makes its buffer twice as large as what it holds. */
const BUFFER_FACTOR = 2;
/** As good as no bound, and still a number that can be counted with. */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** Divides `options.maxMemory`. Units: `machineBytes` in bytes, for a percentage of them. */
export function memoryBudget(options: MemoryOptions, machineBytes: number): MemoryBudget {
  const { maxMemory, pumpThreads } = options;
  const fixedBytes = fixedBytesOf(options);
  // Two of the largest: one that goes on, while another is held back.
  const bodiesMin = 2 * BUFFER_FACTOR * Math.max(options.maxBodySize, options.maxMsgSize);
  const leastBytes = fixedBytes + bodiesMin + pumpThreads * PUMP_BYTES_MIN;
  if (isNothing(maxMemory)) {
    return { pumpBytes: UNBOUNDED, bodyBytes: UNBOUNDED, totalBytes: undefined, leastBytes };
  }
  const totalBytes = portionBytes(maxMemory, machineBytes);
  const freeBytes = Math.max(totalBytes, leastBytes) - fixedBytes;
  // The pumps' least comes before more than that for bodies.
  const bodiesMax = freeBytes - pumpThreads * PUMP_BYTES_MIN;
  const share = Math.floor(freeBytes * BODY_SHARE);
  const bodies = Math.max(bodiesMin, Math.min(share, bodiesMax));
  const pumpBytes = Math.floor((freeBytes - bodies) / pumpThreads);
  return { pumpBytes, bodyBytes: Math.floor(bodies / BUFFER_FACTOR), totalBytes, leastBytes };
}

/** Memory that the process can have: the machine's, or less if its container is given less. Units: bytes. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  // 0: not known; without a constraint it is some number beyond all memory.
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** What the option says, for the log. */
export function describeMemory(options: MemoryOptions, machineBytes: number): string {
  return `--max-memory=${describePortion(options.maxMemory, machineBytes)}`;
}

/** What the broker takes before the first message. */
function fixedBytesOf({ pumpThreads, diskThreads, maxMsgSize }: MemoryOptions): number {
  const rings = ringSizes(maxMsgSize);
  const ofPump = rings.publishes + rings.commands + rings.deliveries;
  const ofLinks = diskThreads * (rings.requests + rings.replies);
  return (
    PROCESS_BYTES + (pumpThreads + diskThreads) * THREAD_BYTES + pumpThreads * (ofPump + ofLinks)
  );
}
