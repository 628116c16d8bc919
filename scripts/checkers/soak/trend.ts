/**
 * Finds out whether a figure grows.
 */

/** A straight line through samples (least squares), and the deviation from it. */
export type Trend = {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  /** The increase of the line from the first sample to the last. */
  readonly rise: number;
};

/** The trend of samples that were taken at equal intervals. Errors: throws if there are none. */
export function trendOf(samples: readonly number[]): Trend {
  const count = samples.length;
  if (count === 0) throw new Error('find a trend: there are no samples');
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / count;
  const middle = (count - 1) / 2;
  let covariance = 0;
  let variance = 0;
  for (const [index, sample] of samples.entries()) {
    covariance += (index - middle) * (sample - mean);
    variance += (index - middle) ** 2;
  }
  const rise = variance === 0 ? 0 : (covariance / variance) * (count - 1);
  return { mean, least: Math.min(...samples), most: Math.max(...samples), rise };
}
