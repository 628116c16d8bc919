/**
 * A metric of `/metrics`. Names lack the endings that a format adds (`_total`, `_bucket`, `_info`).
 *
 * Thread: any (types only).
 */

/** The common part of all metrics. A name ends with its unit, if it has one. */
export type MetricHead = {
  readonly name: string;
  readonly unit: 'bytes' | 'messages' | 'seconds' | '';
  readonly help: string;
};

/** A value with its labels, in their order. */
export type Sample = readonly [
  labels: readonly (readonly [name: string, value: string])[],
  value: number,
];
