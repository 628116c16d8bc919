/**
 * What a drive has found out by itself, beside what is read off the server from outside.
 */

import type { Percentiles } from '../percentiles.ts';
import type { Figures } from '../report/metrics.ts';

export type Outcome = {
  /** What was published, consumed, cycled through: the load's unit. */
  readonly count: number;
  readonly elapsedMs: number;
  readonly percentiles: Percentiles | null;
  /** What only this drive knows. */
  readonly figures: Figures;
};
