/**
 * Consecutive messages, as a producer sent them. One object is reused for all calls, so code that needs it for longer
 * copies its fields.
 *
 * Shape: `count` times size(4, big-endian) body(size), `bytes` of `source` from `at` on. Units: `deferMs` in ms, 0 for
 * at once. Thread: main.
 */
export type MessageBatch = {
  source: Buffer;
  at: number;
  bytes: number;
  count: number;
  deferMs: number;
  /** Whether they are written to files, if the topic has any, before the answer. */
  isToDisk?: boolean;
};
