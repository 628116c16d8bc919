/**
 * The start parameters of a worker thread: the memory of its rings and its options.
 *
 * The memory is shared, everything else is copied.
 * Thread: any (types only).
 */

/** Memory of the two rings between a pump and a disk or stream thread, and the other side's doorbell. */
export type LinkMemory = {
  readonly requests: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
};

/** The options of a pump thread. Times in ms. */
export type PumpSettings = {
  readonly nodeId: number;
  /** Bytes that the thread's messages may take in memory before its queues spill to disk early. */
  readonly memoryBudgetBytes: number;
  readonly maxMsgTimeoutMs: number;
  /** Quantiles of the processing latency to keep, and the window that they cover. */
  readonly latencyPercentiles: readonly number[];
  readonly latencyWindowMs: number;
};

/** The task that a pump thread runs. */
export type PumpTask = PumpSettings & {
  /** What the thread counts of itself; see `ThreadMeter`. */
  readonly meter: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  readonly mainBell: SharedArrayBuffer;
  readonly publishes: SharedArrayBuffer;
  readonly commands: SharedArrayBuffer;
  readonly deliveries: SharedArrayBuffer;
  /** One for each disk thread; `bell` is the disk thread's. */
  readonly disks: readonly LinkMemory[];
  /** Of the stream thread, if there is one. */
  readonly streams: LinkMemory | null;
};

/** The task of a disk thread before any loop runs: it writes the records of the journals again. */
export type RecoveryTask = { readonly recover: true; readonly dataPath: string };

/** The options of a disk thread. */
export type DiskSettings = {
  readonly dataPath: string;
  readonly maxBytesPerFile: number;
  readonly maxMsgSize: number;
  readonly syncEvery: number;
  readonly syncTimeoutMs: number;
};

/** The task that a disk thread runs. */
export type DiskTask = DiskSettings & {
  /** As of a pump. */
  readonly meter: SharedArrayBuffer;
  /** Its number among the disk threads. */
  readonly thread: number;
  readonly bell: SharedArrayBuffer;
  /** Shows whether a turn is running. */
  readonly pulse: SharedArrayBuffer;
  /** One for each pump thread; `bell` is the pump's. */
  readonly pumps: readonly LinkMemory[];
};

/** Where the store of replicated topics is, and how to reach it. */
export type StreamSettings = {
  /** Addresses of servers, with a scheme. */
  readonly servers: readonly string[];
  /** The prefix of all names in the store, so that several clusters of brokers can share it. */
  readonly prefix: string;
  /** Files, read when connecting; empty for none. */
  readonly credentialsFile: string;
  readonly tlsCaFile: string;
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
};

/** The task that the stream thread runs. */
export type StreamTask = StreamSettings & {
  /** As of a pump. */
  readonly meter: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  /** One for each pump thread; `bell` is the pump's. */
  readonly pumps: readonly LinkMemory[];
};
