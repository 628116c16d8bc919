import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Query } from '../../../../../src/daemon/http/query.ts';
import { LogTail } from '../../../../../src/daemon/log-tail.ts';
import { type LiveRow, LiveRows } from '../../../../../src/daemon/page/live-rows.ts';
import {
  FILE_NAMES,
  FLEET_FILE_NAMES,
  FLEET_HOME,
} from '../../../../../src/daemon/page/page-paths.ts';
import { pageOf } from '../../../../../src/daemon/page/row-page.ts';
import { Viewers } from '../../../../../src/daemon/page/viewers.ts';
import { type WatchQuery, watchQueryOf } from '../../../../../src/daemon/page/watch-query.ts';
import { eventsOf } from '../../../../support/events.ts';
import { startApi } from '../../../../support/http-api.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';
import {
  brokerStatistics,
  channelStatistics,
  clientStatistics,
  topicStatistics,
} from '../../../../support/statistics.ts';

/** What a request with this query watches. */
function watched(text: string): WatchQuery {
  const query = Query.parse(text);
  if (query === undefined) throw new Error(text);
  return watchQueryOf(query);
}

function row(name: string, changes: Partial<LiveRow> = {}): LiveRow {
  return {
    topic: name,
    name,
    isPaused: false,
    in: null,
    out: null,
    queued: 0,
    depth: 0,
    onDisk: 0,
    inFlight: 0,
    deferred: 0,
    channels: 0,
    consumers: 0,
    ...changes,
  };
}

test('watchQueryOf: bounds what is asked for, and has defaults', () => {
  assert.deepEqual(watched(''), {
    view: 'summary',
    topic: '',
    channel: '',
    node: '',
    search: '',
    sort: 'name',
    isDescending: false,
    offset: 0,
    limit: 50,
  });
  const { view, search, sort, isDescending, offset, limit } = watched(
    'view=topics&search=ORD&sort=queued&desc=1&offset=100&limit=9999',
  );
  assert.deepEqual(
    [view, search, sort, isDescending, offset, limit],
    ['topics', 'ord', 'queued', true, 100, 200],
  );
  assert.deepEqual([watched('sort=__proto__').sort, watched('offset=-1').offset], ['name', 0]);
});

test('pageOf: agrees with sorting everything, for random rows and pages', () => {
  const random = seededRandom(20_261_128);
  for (let run = 0; run < 300; run++) {
    const rows = Array.from({ length: random(120) }, (_, at) =>
      row(`t${String(at).padStart(3, '0')}`, { queued: random(8) }),
    );
    const isDescending = random(2) === 0;
    const offset = random(4) * 10;
    const query = watched(
      `sort=${random(5) > 0 ? 'queued' : 'name'}&desc=${isDescending ? 1 : 0}&offset=${offset}&limit=10&search=${random(2) === 0 ? '1' : ''}`,
    );

    const page = pageOf(rows, query);

    const matching = rows.filter(({ name }) => name.includes(query.search));
    const sorted = matching
      .map((one, at) => ({ one, at }))
      .sort((a, b) => {
        const difference = query.sort === 'name' ? a.at - b.at : a.one.queued - b.one.queued;
        return (isDescending ? -difference : difference) || a.at - b.at;
      })
      .map(({ one }) => one);
    const last = Math.max(0, Math.ceil(sorted.length / 10) - 1) * 10;
    const start = Math.min(offset, last);
    assert.deepEqual(page, {
      total: rows.length,
      matched: matching.length,
      offset: start,
      rows: sorted.slice(start, start + 10),
    });
  }
});

test('LiveRows: rates come with the second snapshot, and a topic has what its channels have', async () => {
  const rows = new LiveRows();
  const statistics = (messageCount: number) => {
    const channel = { messageCount, depth: 4, inFlightCount: 2, deferredCount: 1, clientCount: 3 };
    const channels = [channelStatistics({ ...channel, backendDepth: 1 })];
    return [topicStatistics({ messageCount, depth: 5, backendDepth: 0, channels })];
  };
  const first = await rows.take(statistics(100), 1000);
  const second = await rows.take(statistics(300), 3000);

  assert.deepEqual([first.topics[0].in, first.totals.in], [null, null]);
  assert.deepEqual(second.topics, [
    row('alpha', {
      in: 100,
      out: 100,
      queued: 9,
      depth: 5,
      onDisk: 1,
      inFlight: 2,
      deferred: 1,
      channels: 1,
      consumers: 3,
    }),
  ]);
  assert.deepEqual([second.totals.in, second.totals.queued, second.totals.channels], [100, 9, 1]);
});

test('LogTail: keeps the last lines, and cuts long ones', () => {
  const tail = new LogTail(new ManualClock());
  for (let number = 1; number <= 700; number++) tail.write('info', `line ${number}`);
  tail.write('warn', 'x'.repeat(5000));

  const lines = tail.since(0);

  assert.deepEqual([lines.length, lines[0].text], [500, 'line 202']);
  assert.deepEqual([lines.at(-1)?.number, lines.at(-1)?.text.length], [701, 1001]);
  assert.deepEqual(tail.since(701), []);
});

test('/ui: every file of the page is served, with a policy that lets nothing else in', async (t) => {
  const { port, log } = await startApi(t);
  const base = `http://127.0.0.1:${port}`;
  const home = await fetch(`${base}/ui/`);
  const html = await home.text();
  const statuses: [name: string, status: number, type: string | null][] = [];
  for (const name of FILE_NAMES) {
    const response = await fetch(`${base}/ui/${name}`);
    await response.arrayBuffer();
    statuses.push([name, response.status, response.headers.get('content-type')]);
  }
  const tag = home.headers.get('etag') ?? '';
  const again = await fetch(`${base}/ui/`, { headers: { 'if-none-match': tag } });

  assert.equal(home.status, 200);
  assert.deepEqual(html.match(/<style|<script(?![^>]*src=)|\son\w+=|\sstyle=|https?:/g), null);
  assert.match(
    home.headers.get('content-security-policy') ?? '',
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  );
  assert.deepEqual(
    statuses.filter(([, status, type]) => status !== 200 || type === null),
    [],
  );
  assert.equal(again.status, 304);
  assert.deepEqual(log, []);
  assert.equal(new URL((await fetch(`${base}/ui`)).url).pathname, '/ui/');
});

test('/ui: the list of its files is complete', () => {
  const folder = new URL('../../../../../src/ui/', import.meta.url);
  const there = readdirSync(folder).filter((name) => !name.endsWith('.d.ts'));
  const served = [...new Set([...FILE_NAMES, ...FLEET_FILE_NAMES, FLEET_HOME])].filter(
    (name) => !name.startsWith('uplot.'),
  );

  assert.deepEqual(served.toSorted(), there.toSorted());
});

test('/ui: --ui=false serves none of it', async (t) => {
  const { port } = await startApi(t, { ui: false });
  const paths = ['ui/', 'ui/app.js', 'ui/events', 'ui/history'];
  const statuses = await Promise.all(
    paths.map(async (path) => (await fetch(`http://127.0.0.1:${port}/${path}`)).status),
  );

  assert.deepEqual(statuses, [404, 404, 404, 404]);
});

test('/ui/events: the broker is named by the address that it broadcasts, IPv6 in brackets', async (t) => {
  const names: unknown[] = [];
  for (const broadcastAddress of ['10.0.0.1', '2001:db8::1']) {
    const { broker, port } = await startApi(t, { broadcastAddress, broadcastHttpPort: 81 });
    broker.statistics = brokerStatistics([]);
    const stream = eventsOf(await fetch(`http://127.0.0.1:${port}/ui/events`));
    // biome-ignore lint/suspicious/noExplicitAny: JSON, compared below
    const [, frame] = ((await stream.next()).value ?? []) as any[];
    await stream.return(undefined);
    names.push(frame.broker.name);
  }

  assert.deepEqual(names, ['10.0.0.1:81', '[2001:db8::1]:81']);
});

test('/ui/events: frames of a view, and rates from the second on', async (t) => {
  const { broker, port, clock } = await startApi(t);
  const consumers = [clientStatistics({ clientId: 'one' }), clientStatistics({ clientId: 'two' })];
  const channels = [channelStatistics({ clients: consumers, messageCount: 50 })];
  broker.statistics = brokerStatistics([topicStatistics({ channels, messageCount: 100 })]);
  const query = 'view=channel&topic=alpha&channel=one&limit=1';
  const response = await fetch(`http://127.0.0.1:${port}/ui/events?${query}`);
  const stream = eventsOf(response);
  const first = (await stream.next()).value;
  channels[0] = channelStatistics({ clients: consumers, messageCount: 70 });
  broker.statistics = brokerStatistics([topicStatistics({ channels, messageCount: 120 })]);
  clock.advance(1000);
  const second = (await stream.next()).value;
  await stream.return(undefined);

  // biome-ignore lint/suspicious/noExplicitAny: JSON, compared below
  const [before, now] = [first?.[1], second?.[1]] as any[];
  assert.deepEqual(
    [first?.[0], response.headers.get('content-type')],
    ['frame', 'text/event-stream; charset=utf-8'],
  );
  assert.deepEqual([before.totals.in, before.view.row.in], [null, null]);
  assert.deepEqual([now.totals.in, now.view.row.in, now.view.row.depth], [20, 20, 1]);
  assert.deepEqual(
    [now.view.consumerCount, now.view.consumers.length, now.view.consumers[0].client],
    [8, 1, 'one'],
  );
  assert.deepEqual([now.broker.health, now.broker.isReady], ['OK', true]);
});

test('/ui/events: other sites may not watch', async (t) => {
  const { port } = await startApi(t);
  const { status } = await fetch(`http://127.0.0.1:${port}/ui/events`, {
    headers: { origin: 'http://elsewhere.example' },
  });

  assert.equal(status, 403);
});

test('/ui/events: the log is for those who may see /config', async (t) => {
  const open = await startApi(t);
  const closed = await startApi(t, { configHttp: 'off' });
  const stream = eventsOf(await fetch(`http://127.0.0.1:${open.port}/ui/events?view=log`));
  const frame = (await stream.next()).value;
  await stream.return(undefined);
  const { status } = await fetch(`http://127.0.0.1:${closed.port}/ui/events?view=log`);

  const [name, data = {}] = frame ?? [];
  assert.deepEqual(
    [name, Object.keys(data as object), status],
    ['frame', ['timeMs', 'broker', 'totals', 'view', 'log'], 404],
  );
});

test('/ui/history: what was recorded, and null for what was not', async (t) => {
  const { port, history } = await startApi(t);
  history.begin(5, 45_000);
  history.add('t:c#ephemeral', { taken: 1, gone: 0, depth: 7, inFlight: 2, deferred: 3 });
  history.end();
  const ask = async (query: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${port}/ui/history${query}`)).json();

  assert.deepEqual(await ask('?topic=t&channel=c%23ephemeral'), {
    history: {
      endMs: 5,
      intervalMs: 45_000,
      in: [null],
      out: [null],
      depth: [7],
      inFlight: [2],
      deferred: [3],
    },
  });
  assert.deepEqual(await ask(''), { history: null });
});

/** A viewer whose client takes what the test says. */
class FakeViewer {
  waitingBytes = 0;
  readonly sent: string[] = [];
  state: 'open' | 'ended' | 'aborted' = 'open';
  close: () => void = () => undefined;

  sendEvents(): this {
    return this;
  }

  onClosed(callback: () => void): void {
    this.close = callback;
  }

  send(event: string): void {
    this.sent.push(event);
  }

  end(): void {
    this.state = 'ended';
  }

  abort(): void {
    this.state = 'aborted';
    this.close();
  }
}

function viewers() {
  const clock = new ManualClock();
  const counts = { snapshots: 0, views: 0, resets: 0 };
  const frames = {
    snapshot: async () => {
      counts.snapshots++;
      // biome-ignore lint/suspicious/noExplicitAny: only the summary is read
      return { summary: '{"a":1' } as any;
    },
    view: async () => {
      counts.views++;
      return '{}';
    },
    reset: () => void counts.resets++,
  };
  const tail = new LogTail(clock);
  const note = (what: string): never => assert.fail(what);
  return { viewers: new Viewers({ frames, tail, clock, note }), clock, counts };
}

/** Runs what is due, and everything that follows from it. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('Viewers: after an operator has changed something the next snapshot comes soon', async () => {
  const { viewers: all, clock, counts } = viewers();
  all.hurry();
  all.add(new FakeViewer(), watched(''));
  all.hurry();
  await settle();
  clock.advance(200);
  await settle();
  const early = counts.snapshots;
  all.hurry();
  clock.advance(200);
  await settle();
  const hurried = counts.snapshots;
  clock.advance(999);
  await settle();

  assert.deepEqual([early, hurried, counts.snapshots], [2, 3, 3]);
});

test('Viewers: one snapshot a second for all of them, and none without them', async () => {
  const { viewers: all, clock, counts } = viewers();
  const three = [new FakeViewer(), new FakeViewer(), new FakeViewer()];
  for (const viewer of three) all.add(viewer, watched('view=topics'));
  await settle();
  clock.advance(1000);
  await settle();

  assert.deepEqual(counts, { snapshots: 2, views: 2, resets: 0 });
  assert.deepEqual(
    three.map(({ sent }) => sent.length),
    [2, 2, 2],
  );
  for (const viewer of three) viewer.close();
  clock.advance(60_000);
  await settle();
  assert.deepEqual([counts.snapshots, counts.resets, clock.timerCount], [2, 1, 0]);
});

test('Viewers: coming and going takes no more snapshots', async () => {
  const { viewers: all, counts } = viewers();
  for (let time = 0; time < 20; time++) {
    const viewer = new FakeViewer();
    all.add(viewer, watched('view=topics'));
    await settle();
    assert.deepEqual(viewer.sent, ['frame']);
    viewer.close();
  }

  assert.equal(counts.snapshots, 1);
});

test('Viewers: there is room for 32, and the next one is told', async () => {
  const { viewers: all } = viewers();
  const many = Array.from({ length: 33 }, () => new FakeViewer());
  for (const viewer of many) all.add(viewer, watched(''));
  await settle();

  assert.deepEqual([all.count, many[31].state, many[31].sent], [32, 'open', ['frame']]);
  assert.deepEqual([many[32].state, many[32].sent], ['ended', ['refused']]);
});

test('Viewers: one that takes nothing misses frames, and is disconnected in the end', async () => {
  const { viewers: all, clock } = viewers();
  const slow = new FakeViewer();
  const other = new FakeViewer();
  all.add(slow, watched('view=topics'));
  all.add(other, watched('view=topics'));
  await settle();
  slow.waitingBytes = 300 * 1024;
  for (let second = 0; second < 32; second++) {
    clock.advance(1000);
    await settle();
  }

  assert.deepEqual([slow.sent.length, slow.state], [1, 'aborted']);
  assert.deepEqual([other.sent.length, other.state, all.count], [33, 'open', 1]);
});
