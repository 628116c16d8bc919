/**
 * Writes metrics as lines, in Prometheus' text format or in OpenMetrics.
 *
 * Thread: any.
 * Source: Prometheus exposition format 0.0.4; OpenMetrics 1.0.
 */

import { BOUNDS_US, type Durations } from '../../shared/thread-meter.ts';
import type { MetricHead, Sample } from './metric.ts';

/** The formats that can be requested. */
export type Format = 'text' | 'openmetrics';

/** The types of metrics. */
export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'info' | 'summary';

const SUFFIXES: Readonly<Record<MetricKind, string>> = {
  counter: '_total',
  gauge: '',
  histogram: '',
  info: '_info',
  summary: '',
};
const MS_PER_SECOND = 1000;
const US_PER_SECOND = 1e6;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** The name of a metric's samples. */
export function sampleName(name: string, kind: MetricKind): string {
  return name + SUFFIXES[kind];
}

/** The lines before a metric's samples. The help texts of the tables need no escapes. */
export function headLines(
  { name, unit, help }: MetricHead,
  kind: MetricKind,
  format: Format,
): string {
  if (format === 'openmetrics') {
    const unitLine = unit === '' ? '' : `# UNIT ${name} ${unit}\n`;
    return `# TYPE ${name} ${kind}\n${unitLine}# HELP ${name} ${help}\n`;
  }
  const full = sampleName(name, kind);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${kind === 'info' ? 'gauge' : kind}\n`;
}

/** Labels in braces; nothing without labels. */
function labelText(labels: Sample[0]): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

/** Single samples. */
export function sampleLines(name: string, samples: readonly Sample[]): string {
  let text = '';
  for (const [labels, value] of samples) {
    text += `${name}${labelText(labels)} ${valueText(value)}\n`;
  }
  return text;
}

/** Durations as cumulative buckets, with their sum and count. Units: seconds. */
export function histogramLines(name: string, { counts, sumMs }: Durations, format: Format): string {
  let text = '';
  let count = 0;
  for (const [bucket, bound] of BOUNDS_US.entries()) {
    count += counts[bucket];
    text += `${name}_bucket{le="${boundText(bound / US_PER_SECOND, format)}"} ${count}\n`;
  }
  count += counts[BOUNDS_US.length];
  text += `${name}_bucket{le="+Inf"} ${count}\n`;
  return `${text}${name}_sum ${valueText(sumMs / MS_PER_SECOND)}\n${name}_count ${count}\n`;
}

/** A number in a form that both formats accept. */
export function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/** OpenMetrics requires a decimal point in numbers that are labels. */
function boundText(seconds: number, format: Format): string {
  const text = seconds.toString();
  return format === 'openmetrics' && !text.includes('.') ? `${text}.0` : text;
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => ESCAPES[character]);
}
