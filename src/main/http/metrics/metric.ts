/**
 * A metric of `/metrics` as the tables describe it: name, kind, unit, meaning, and source of its value. Names lack the
 * endings that a format adds (`_total`, `_bucket`, `_info`).
 *
 * Thread: any.
 */

import type { MetricHead, Sample } from '../../../daemon/metrics/metric.ts';
import type { Durations } from '../../../shared/thread-meter.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { ChannelStatistics, TopicStatistics } from '../../stats/stats.ts';

/** One value per topic or channel; a counter only grows. */
export type ThingMetric<T> = MetricHead & {
  readonly kind: 'counter' | 'gauge';
  readonly read: (thing: T) => number;
  /** Whether it carries information, as in `/stats`; undefined for metrics that are always present. */
  readonly isShown?: (thing: T) => boolean;
};

/** Per topic, with the label `topic`. */
export type TopicMetric = ThingMetric<TopicStatistics>;
/** Per channel, with the labels `topic` and `channel`. */
export type ChannelMetric = ThingMetric<ChannelStatistics>;

/** Per broker: samples, or durations. Omitted if there are no samples. */
export type NodeMetric = MetricHead &
  (
    | {
        readonly kind: 'counter' | 'gauge' | 'info';
        readonly labels: readonly string[];
        readonly read: (node: NodeStatistics) => readonly Sample[];
      }
    | {
        readonly kind: 'histogram';
        readonly labels: readonly [];
        readonly read: (node: NodeStatistics) => Durations;
      }
  );
