/**
 * Chooses the format for a scraper: OpenMetrics if its `Accept` header prefers that to plain text, as that of
 * Prometheus does.
 *
 * Thread: any.
 */

import type { Format } from './exposition.ts';

const OPENMETRICS = 'application/openmetrics-text';
/** Plain text, and the ranges that include it. */
const TEXT: readonly string[] = ['text/plain', 'text/*', '*/*'];
const TEXT_VERSION = '0.0.4';
const OPENMETRICS_VERSIONS: readonly string[] = ['1.0.0', '0.0.1'];

/** The format to write. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: `text/plain; version=${TEXT_VERSION}; charset=utf-8`,
  openmetrics: `${OPENMETRICS}; version=1.0.0; charset=utf-8`,
};

/** Without a header, or with one that cannot be parsed, the answer is plain text. */
export function formatFor(accept: string | undefined): Format {
  let openmetrics = 0;
  let text = 0;
  for (const part of (accept ?? '').split(',')) {
    const [type, ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    const version = parameter(parameters, 'version');
    const quality = Number(parameter(parameters, 'q') ?? 1);
    if (!(quality > 0)) continue;
    if (type === OPENMETRICS && (version === undefined || OPENMETRICS_VERSIONS.includes(version))) {
      openmetrics = Math.max(openmetrics, quality);
    }
    if (TEXT.includes(type) && (version === undefined || version === TEXT_VERSION)) {
      text = Math.max(text, quality);
    }
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text';
}

function parameter(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((text) => text.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replaceAll('"', '');
}
