// Against the real Prometheus and its promtool, where they are installed (Debian's package `prometheus`).

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { Journal } from '../support/journal.ts';

const ROOT = path.dirname(path.dirname(import.meta.dirname));
const RULES = path.join(ROOT, 'deploy/prometheus/ringmq.rules.yml');
const isThere = ['promtool', 'prometheus'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);
const OPTIONS = { timeout: 120_000, skip: isThere ? false : 'Prometheus is not installed' };

/** Says where it listens. */
const LISTENING = /"address":"(127\.0\.0\.1:\d{2,})".*"msg":"Listening on"/;

/** Runs promtool. Returns what it says; nothing if it is content. */
function promtool(words: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', words, {
    input,
    encoding: 'utf8',
    cwd: path.dirname(RULES),
  });
  return status === 0 ? '' : stdout + stderr;
}

test('promtool: has nothing to say about /metrics', OPTIONS, async (t) => {
  const broker = await new BrokerSite(t).start({
    flags: ['--e2e-processing-latency-percentile=0.99'],
  });
  for (const topic of ['orders', 'other']) {
    await ask(broker, `/pub?topic=${topic}`, 'x');
    await ask(broker, `/channel/create?topic=${topic}&channel=c`, null);
  }

  const { text } = await ask(broker, '/metrics');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });

  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});

test('promtool: the alert rules are valid, and fire when they should', OPTIONS, () => {
  assert.equal(promtool(['check', 'rules', RULES]), '');
  assert.equal(promtool(['check', 'config', 'prometheus.yml']), '');
  assert.equal(promtool(['check', 'config', 'compose.yml']), '');
  assert.equal(promtool(['test', 'rules', 'ringmq.rules.test.yml']), '');
});

test(
  'Prometheus: scrapes a broker, an alert fires, and the dashboard has its data',
  OPTIONS,
  async (t) => {
    // Below its watermark from the start.
    const broker = await new BrokerSite(t).start({ flags: ['--min-free-disk=99.9%'] });
    await ask(broker, '/topic/create?topic=orders', null);
    await ask(broker, '/channel/create?topic=orders&channel=billing', null);
    const prometheus = await startPrometheus(t, broker.httpPort);

    const alert = await prometheus.until('/api/v1/alerts', ({ alerts = [] }) =>
      alerts.find(
        ({ labels, state }) => labels['alertname'] === 'RingMQDiskWatermark' && state === 'firing',
      ),
    );
    const { activeTargets = [] } = await prometheus.ask('/api/v1/targets');
    const metadata = await prometheus.ask('/api/v1/targets/metadata?metric=ringmq_build');
    const empty: string[] = [];
    for (const expression of dashboardExpressions(`127.0.0.1:${broker.httpPort}`)) {
      const { result = [] } = await prometheus.until(
        `/api/v1/query?query=${encodeURIComponent(expression)}`,
        (data) => (data.result !== undefined ? data : undefined),
      );
      if (result.length === 0 && !expression.includes('rate(')) empty.push(expression);
    }

    assert.equal(alert.labels['severity'], 'critical');
    assert.deepEqual(
      activeTargets.map(({ health, lastError }) => [health, lastError]),
      [['up', '']],
    );
    assert.ok(JSON.stringify(metadata).includes('Versions of RingMQ'));
    assert.deepEqual(empty, []);
  },
);

/** What is read of Prometheus' answers. */
type Answer = {
  readonly alerts?: readonly { readonly labels: Record<string, string>; readonly state: string }[];
  readonly activeTargets?: readonly { readonly health: string; readonly lastError: string }[];
  readonly result?: readonly unknown[];
};

/** A Prometheus of its own that scrapes this port every second. */
async function startPrometheus(t: TestContext, port: number) {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-prometheus-'));
  const config = readFileSync(path.join(ROOT, 'deploy/prometheus/prometheus.yml'), 'utf8')
    .replaceAll('15s', '1s')
    .replace('127.0.0.1:4151', `127.0.0.1:${port}`);
  writeFileSync(path.join(directory, 'prometheus.yml'), config);
  copyFileSync(RULES, path.join(directory, 'ringmq.rules.yml'));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(directory, { recursive: true });
  });
  const log = new Journal();
  createInterface(child.stderr).on('line', log.add);
  await log.until(LISTENING);
  await log.until(/Server is ready to receive web requests/);
  const address = LISTENING.exec(log.matching(LISTENING)[0])?.[1];
  const ask = async (what: string): Promise<Answer> => {
    const response = await fetch(`http://${address}${what}`);
    const { data, error } = (await response.json()) as { data?: Answer; error?: string };
    assert.ok(data !== undefined, `${what}: ${error}`);
    return data;
  };
  const until = async <T>(what: string, find: (data: Answer) => T | undefined): Promise<T> => {
    for (;;) {
      const found = find(await ask(what));
      if (found !== undefined) return found;
    }
  };
  return { ask, until };
}

/** Every expression of the dashboard, for one broker. */
function dashboardExpressions(instance: string): string[] {
  const text = readFileSync(path.join(ROOT, 'deploy/grafana/ringmq.json'), 'utf8');
  const { panels } = JSON.parse(text) as {
    panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  return panels
    .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expression) =>
      expression
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$job', 'ringmq')
        .replaceAll('$instance', instance)
        .replaceAll('$topic', '.*')
        .replaceAll('$channel', '.*'),
    );
}
