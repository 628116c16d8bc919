import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFor } from '../../../../src/daemon/metrics/accept.ts';

const OPENMETRICS = 'application/openmetrics-text';

test('formatFor: OpenMetrics only for those who ask for it', () => {
  const asked: [accept: string | undefined, format: string][] = [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', 'text'],
    ['text/plain;version=0.0.4', 'text'],
    ['application/json', 'text'],
    [OPENMETRICS, 'openmetrics'],
    [`${OPENMETRICS}; version=1.0.0; charset=utf-8`, 'openmetrics'],
    [`${OPENMETRICS.toUpperCase()};Version="0.0.1"`, 'openmetrics'],
    [`${OPENMETRICS};version=2.0.0`, 'text'],
    [`${OPENMETRICS};q=0`, 'text'],
    [`${OPENMETRICS};q=0.2,text/plain;q=0.8`, 'text'],
    [`${OPENMETRICS};q=x`, 'text'],
    [';;,=,;q=', 'text'],
  ];

  const found = asked.map(([accept]) => [accept, formatFor(accept)]);

  assert.deepStrictEqual(found, asked);
});

test('formatFor: as Prometheus asks', () => {
  const prometheusOf2 = `${OPENMETRICS};version=1.0.0,${OPENMETRICS};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`;
  const prometheusOf3 = `${OPENMETRICS};version=1.0.0;escaping=allow-utf-8;q=0.6,${OPENMETRICS};version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`;

  assert.deepStrictEqual([prometheusOf2, prometheusOf3].map(formatFor), [
    'openmetrics',
    'openmetrics',
  ]);
});
