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

/** How wide a dashboard is. */
const GRID_COLUMNS = 24;
/** Where Prometheus says that it listens. */
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
    const shown = dashboardExpressions(`127.0.0.1:${broker.httpPort}`);
    // A rate is there from the second scrape on.
    for (const expression of shown.filter((one) => !ABSENT.test(one))) {
      await prometheus.until(
        `/api/v1/query?query=${encodeURIComponent(expression)}`,
        ({ result = [] }) => (result.length > 0 ? result : undefined),
      );
    }

    assert.equal(alert.labels['severity'], 'critical');
    assert.deepEqual(
      activeTargets.map(({ health, lastError }) => [health, lastError]),
      [['up', '']],
    );
    assert.ok(JSON.stringify(metadata).includes('Versions of RingMQ'));
  },
);

/** What this broker has nothing of: no policy and no full queue drops messages. */
const ABSENT = /ringmq_(topic|channel)_dropped/;

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
};

test('the dashboard: panels have what Grafana needs, and none covers another', () => {
  const dashboard = readDashboard();
  const { panels, schemaVersion, templating } = dashboard;

  assert.ok(schemaVersion >= 36);
  const variables = new Set(templating.list.map(({ name }) => name));
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Map<string, string>();
  for (const { type, title, gridPos, targets = [], datasource } of panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= GRID_COLUMNS, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        const place = `${column},${row}`;
        assert.equal(taken.get(place), undefined, `${title} covers another panel`);
        taken.set(place, title);
      }
    }
    assert.equal(targets.length > 0, type !== 'row', title);
    if (type !== 'row') assert.match(datasource?.uid ?? '', /^\$\{datasource\}$/, title);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    for (const { expr } of targets) {
      const used = [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name);
      const unknown = used.filter((name) => name !== '__rate_interval' && !variables.has(name));
      assert.deepEqual(unknown, [], title);
    }
  }
});

function readDashboard() {
  const text = readFileSync(path.join(ROOT, 'deploy/grafana/ringmq.json'), 'utf8');
  return JSON.parse(text) as {
    readonly schemaVersion: number;
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly name: string }[] };
  };
}

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
  return readDashboard()
    .panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expression) =>
      expression
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$job', 'ringmq')
        .replaceAll('$instance', instance)
        .replaceAll('$topic', '.*')
        .replaceAll('$channel', '.*'),
    );
}
