/**
 * Messages that lie one behind the other, as a producer has sent them. One such object is used again and again, so
 * whoever needs it for longer than a call copies what it says.
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
};
