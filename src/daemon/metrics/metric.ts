/**
 * A metric as `/metrics` names and shows it. Names are without the endings that a format adds (`_total`, `_bucket`,
 * `_info`).
 *
 * Thread: any (types only).
 */

/** What all metrics have. A name ends with its unit, if it has one. */
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
