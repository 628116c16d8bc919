import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratiosOf, sumUp } from '../../../../../scripts/bench/report/metrics.ts';

test('results: the best is the highest or the lowest, as the figure has it', () => {
  const runs = [
    { rate: 10, cpuUs: 3, generatorCpuUs: 1 },
    { rate: 30, cpuUs: 1, generatorCpuUs: 9 },
    { rate: 20, cpuUs: 2, generatorCpuUs: 5 },
  ];

  const { best, median } = sumUp('server', runs);
  assert.deepStrictEqual(best, { rate: 30, cpuUs: 1, generatorCpuUs: 5 });
  assert.deepStrictEqual(median, { rate: 20, cpuUs: 2, generatorCpuUs: 5 });
});

test('results: a figure that only some runs have is that of these', () => {
  const { best } = sumUp('server', [{ rate: 10 }, { rate: 5, peakMib: 7 }]);

  assert.deepStrictEqual(best, { rate: 10, peakMib: 7 });
});

test('results: a ratio is the median over runs that followed each other', () => {
  const server = sumUp('server', [{ rate: 10 }, { rate: 30 }, { rate: 80 }]);
  const against = sumUp('against', [{ rate: 10 }, { rate: 10 }, { rate: 10 }]);

  assert.deepStrictEqual(ratiosOf([server, against]), [{ to: 'against', figures: { rate: 3 } }]);
});

test('results: there is no ratio to nothing, nor of what is neither better nor worse', () => {
  const server = sumUp('server', [{ rate: 10, cpuUs: 1, generatorCpuUs: 1, p50: 1 }]);
  const sink = sumUp('null sink', [{ rate: 20, cpuUs: 0, generatorCpuUs: 1 }]);

  assert.deepStrictEqual(ratiosOf([server, sink]), [{ to: 'null sink', figures: { rate: 0.5 } }]);
  assert.deepStrictEqual(ratiosOf([server]), []);
});
