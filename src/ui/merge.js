/** Sums the figures of several brokers. */

/**
 * @typedef {import('./types.d.ts').Counted} Counted
 * @typedef {import('./types.d.ts').Frame} Frame
 * @typedef {import('./types.d.ts').History} History
 * @typedef {import('./types.d.ts').List} List
 * @typedef {import('./types.d.ts').Query} Query
 * @typedef {import('./types.d.ts').Row} Row
 * @typedef {import('./types.d.ts').Totals} Totals
 * @typedef {import('./types.d.ts').View} View
 */

/**
 * The frame of all brokers together.
 * @param {ReadonlyMap<string, Frame>} frames by the name of the broker; at least one
 * @param {Query} query
 * @returns {Frame}
 */
export function mergeFrames(frames, query) {
  const all = [...frames.values()];
  const brokers = all.map(({ broker }) => broker);
  const disks = brokers.flatMap(({ disk }) => disk ?? []);
  return {
    timeMs: Math.max(...all.map(({ timeMs }) => timeMs)),
    broker: {
      ...brokers[0],
      name: `${brokers.length} brokers`,
      startTimeMs: Math.min(...brokers.map(({ startTimeMs }) => startTimeMs)),
      health: brokers.find(({ health }) => health !== 'OK')?.health ?? 'OK',
      isReady: brokers.every(({ isReady }) => isReady),
      isDraining: brokers.some(({ isDraining }) => isDraining),
      notReady: brokers.flatMap(({ name, notReady }) => notReady.map((why) => `${name}: ${why}`)),
      connections: sumOfUse(brokers.map(({ connections }) => connections)),
      httpConnections: sum(brokers.map(({ httpConnections }) => httpConnections)),
      memory: sumOfUse(brokers.map(({ memory }) => memory)),
      disk:
        disks.length === 0
          ? null
          : {
              size: sum(disks.map(({ size }) => size)),
              free: sum(disks.map(({ free }) => free)),
              minFree: sum(disks.map(({ minFree }) => minFree)),
            },
    },
    totals: all.map(({ totals }) => totals).reduce(addTotals),
    view: mergeViews(frames, query),
    log: all.flatMap(({ log = [] }) => log).sort((a, b) => a.timeMs - b.timeMs),
  };
}

/**
 * @param {ReadonlyMap<string, Frame>} frames
 * @param {Query} query
 * @returns {View}
 */
function mergeViews(frames, query) {
  const views = [...frames.values()].map(({ view }) => view);
  const there = views.filter(({ missing }) => missing !== true);
  if (there.length === 0) return { missing: true };
  /** @type {View} */
  const merged = {};
  const rows = there.flatMap(({ row }) => row ?? []);
  if (rows.length > 0) merged.row = rows.reduce(addRows);
  const lists = there.flatMap(({ list }) => list ?? []);
  if (lists.length > 0) merged.list = mergeLists(lists, query);
  const topics = there.flatMap(({ topic }) => topic ?? []);
  if (topics.length > 0) merged.topic = topics.reduce(addCounted);
  const channels = there.flatMap(({ channel }) => channel ?? []);
  if (channels.length > 0) merged.channel = channels.reduce(addCounted);
  merged.consumerCount = sum(there.map(({ consumerCount = 0 }) => consumerCount));
  merged.consumers = [...frames].flatMap(([broker, { view }]) =>
    (view.consumers ?? []).map((consumer) => ({ ...consumer, broker })),
  );
  return merged;
}

/**
 * @param {readonly List[]} lists
 * @param {Query} query
 * @returns {List}
 */
function mergeLists(lists, query) {
  /** @type {Map<string, Row>} */
  const byName = new Map();
  for (const row of lists.flatMap(({ rows }) => rows)) {
    const key = `${row.topic}:${row.name}`;
    const known = byName.get(key);
    byName.set(key, known === undefined ? row : addRows(known, row));
  }
  const sort = String(query['sort'] ?? 'name');
  const direction = query['desc'] ? -1 : 1;
  const rows = [...byName.values()].sort((a, b) => {
    const names = `${a.topic}:${a.name}` < `${b.topic}:${b.name}` ? -1 : 1;
    if (sort === 'name') return direction * names;
    const key = /** @type {'queued'} */ (sort);
    return direction * ((a[key] ?? 0) - (b[key] ?? 0)) || names;
  });
  const offset = Number(query['offset'] ?? 0);
  const limit = Number(query['limit'] ?? 50);
  return {
    total: Math.max(byName.size, ...lists.map(({ total }) => total)),
    matched: Math.max(byName.size, ...lists.map(({ matched }) => matched)),
    offset,
    rows: rows.slice(offset, offset + limit),
  };
}

/**
 * @param {Row} a
 * @param {Row} b
 * @returns {Row}
 */
function addRows(a, b) {
  if (a.isReplicated && b.isReplicated) return addReplicated(a, b);
  return {
    ...a,
    isPaused: a.isPaused && b.isPaused,
    in: add(a.in, b.in),
    out: add(a.out, b.out),
    queued: a.queued + b.queued,
    depth: a.depth + b.depth,
    onDisk: a.onDisk + b.onDisk,
    inFlight: a.inFlight + b.inFlight,
    deferred: a.deferred + b.deferred,
    channels: Math.max(a.channels, b.channels),
    consumers: a.consumers + b.consumers,
  };
}

/**
 * Every broker reports the depth of the whole topic, and counts messages in flight at other brokers as deferred.
 * @param {Row} a
 * @param {Row} b
 * @returns {Row}
 */
function addReplicated(a, b) {
  const inFlight = a.inFlight + b.inFlight;
  const taken = Math.max(a.inFlight + a.deferred, b.inFlight + b.deferred);
  return {
    ...a,
    isPaused: a.isPaused && b.isPaused,
    in: larger(a.in, b.in),
    out: add(a.out, b.out),
    queued: Math.max(a.queued, b.queued),
    depth: Math.max(a.depth, b.depth),
    onDisk: Math.max(a.onDisk, b.onDisk),
    inFlight,
    deferred: Math.max(0, taken - inFlight),
    channels: Math.max(a.channels, b.channels),
    consumers: a.consumers + b.consumers,
  };
}

/**
 * @param {Totals} a
 * @param {Totals} b
 * @returns {Totals}
 */
function addTotals(a, b) {
  return {
    // The same topics may be on several brokers.
    topics: Math.max(a.topics, b.topics),
    channels: Math.max(a.channels, b.channels),
    consumers: a.consumers + b.consumers,
    queued: a.queued + b.queued,
    onDisk: a.onDisk + b.onDisk,
    inFlight: a.inFlight + b.inFlight,
    deferred: a.deferred + b.deferred,
    in: add(a.in, b.in),
    out: add(a.out, b.out),
  };
}

/**
 * @param {Counted} a
 * @param {Counted} b
 * @returns {Counted}
 */
function addCounted(a, b) {
  const names = new Set([...Object.keys(a.policyCounts), ...Object.keys(b.policyCounts)]);
  const isReplicated = a.isReplicated && b.isReplicated;
  return {
    ...(isReplicated && { isReplicated }),
    messageCount: isReplicated
      ? Math.max(a.messageCount, b.messageCount)
      : a.messageCount + b.messageCount,
    messageBytes: (a.messageBytes ?? 0) + (b.messageBytes ?? 0),
    requeueCount: (a.requeueCount ?? 0) + (b.requeueCount ?? 0),
    timeoutCount: (a.timeoutCount ?? 0) + (b.timeoutCount ?? 0),
    isPaused: a.isPaused && b.isPaused,
    isExpiring: a.isExpiring === true && b.isExpiring === true,
    policies: [...new Set([...(a.policies ?? []), ...(b.policies ?? [])])],
    policyCounts: Object.fromEntries(
      [...names].map((name) => [name, (a.policyCounts[name] ?? 0) + (b.policyCounts[name] ?? 0)]),
    ),
    // Percentiles cannot be added up.
    latency: null,
  };
}

/**
 * The histories of all brokers together, by the end of their intervals.
 * @param {readonly (History | null)[]} histories
 * @returns {History | null}
 */
export function mergeHistories(histories) {
  const known = histories.flatMap((history) => history ?? []);
  if (known.length === 0) return null;
  const [first] = known;
  const length = Math.max(...known.map((history) => history.depth.length));
  /** @param {'in' | 'out' | 'depth' | 'inFlight' | 'deferred'} which */
  const series = (which) =>
    Array.from({ length }, (_, at) =>
      known
        .map((history) => history[which].at(at - length) ?? null)
        .reduce(/** @type {typeof add} */ (add)),
    );
  return {
    endMs: Math.max(...known.map(({ endMs }) => endMs)),
    intervalMs: first.intervalMs,
    in: series('in'),
    out: series('out'),
    depth: series('depth'),
    inFlight: series('inFlight'),
    deferred: series('deferred'),
  };
}

/**
 * The sum of what is known.
 * @param {number | null} a
 * @param {number | null} b
 */
function add(a, b) {
  if (a === null) return b;
  return b === null ? a : a + b;
}

/**
 * The larger one of what is known.
 * @param {number | null} a
 * @param {number | null} b
 */
function larger(a, b) {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** @param {readonly { used: number, max: number | null }[]} uses */
function sumOfUse(uses) {
  const bounds = uses.map(({ max }) => max);
  return {
    used: sum(uses.map(({ used }) => used)),
    max: bounds.includes(null) ? null : sum(bounds.map((max) => max ?? 0)),
  };
}
