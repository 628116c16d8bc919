/**
 * A metric of `/metrics`, as the tables describe it: its name, its kind, its unit, what it means, and where its value
 * is read. Names are without the endings that a format adds (`_total`, `_bucket`, `_info`).
 *
 * Thread: any.
 */

import type { MetricHead, Sample } from '../../../daemon/metrics/metric.ts';
import type { Durations } from '../../../shared/histogram.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { ChannelStatistics, TopicStatistics } from '../../stats/stats.ts';

/** A value for each thing; a counter only grows. */
export type ThingMetric<T> = MetricHead & {
  readonly kind: 'counter' | 'gauge';
  readonly read: (thing: T) => number;
  /** Left out where it says nothing, as in `/stats`; undefined for what is always there. */
  readonly isShown?: (thing: T) => boolean;
};

/** Of a topic, with the label `topic`. */
export type TopicMetric = ThingMetric<TopicStatistics>;
/** Of a channel, with the labels `topic` and `channel`. */
export type ChannelMetric = ThingMetric<ChannelStatistics>;

/** Of the broker: samples, or durations. Without samples it is left out. */
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
