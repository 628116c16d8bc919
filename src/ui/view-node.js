/** The internals of the broker: threads, rings, memory, disk, commands and latencies. */

import { h } from './dom.js';
import { bytes, count, counted, dayAndTime, percent, rate, span } from './format.js';
import { Facts, numberColumn, Tile, tileRow } from './parts.js';
import { Table } from './table.js';
import { showMemory } from './view-topics.js';

/**
 * @typedef {import('./types.d.ts').Frame} Frame
 * @typedef {import('./types.d.ts').NodeData} NodeData
 * @typedef {{ timeMs: number, node: NodeData }} Moment
 * @typedef {{ name: string, busy: number, turns: number | null, heapUsed: number, heapLimit: number }} ThreadRow
 * @typedef {{ name: string, used: number, capacity: number }} RingRow
 * @typedef {{ name: string, p50: string, p99: string, count: number }} TimeRow
 * @typedef {{ name: string, rate: number | null, count: number }} CommandRow
 */

/** The time span of rates and latencies. */
const WINDOW_MS = 60_000;

/**
 * @param {import('./types.d.ts').Context} context
 * @returns {import('./types.d.ts').Shown}
 */
export function nodeView({ watch }) {
  /** @type {Moment[]} */
  let moments = [];
  const cpu = new Tile('CPU', 'Of one core, over all threads, in the last minute');
  const memory = new Tile('Memory', 'Resident memory of the broker');
  const messages = new Tile('Messages in memory', 'Bytes that messages take in the pumps');
  const disk = new Tile('Disk free', 'Free space where the data is');
  const io = new Tile('Written to disk', 'Per second, in the last minute');
  const net = new Tile('Received', 'From clients over TCP, per second, in the last minute');
  const facts = new Facts();
  /** @type {import('./table.js').Table<ThreadRow>} */
  const threads = new Table({
    caption: 'Threads',
    keyOf: ({ name }) => name,
    columns: [
      { key: 'name', label: 'Thread', isText: true, text: ({ name }) => name },
      numberColumn('busy', 'Busy', ({ busy }) => busy, percent, 'Share of the last minute'),
      numberColumn('turns', 'Turns/s', ({ turns }) => turns, rate),
      {
        key: 'heap',
        label: 'Heap',
        // The loops of a broker in memory share the heap of main.
        text: ({ heapUsed, heapLimit }) =>
          heapLimit === 0 ? '–' : `${bytes(heapUsed)} of ${bytes(heapLimit)}`,
      },
    ],
  });
  /** @type {import('./table.js').Table<RingRow>} */
  const rings = new Table({
    caption: 'Rings between threads',
    keyOf: ({ name }) => name,
    columns: [
      { key: 'name', label: 'Ring', isText: true, text: ({ name }) => name },
      numberColumn('used', 'Used', ({ used }) => used, bytes),
      { key: 'capacity', label: 'Of', text: ({ capacity }) => bytes(capacity) },
      {
        key: 'fill',
        label: 'Fill',
        text: ({ used, capacity }) => percent(used / capacity),
        number: ({ used }) => used,
      },
    ],
  });
  /** @type {import('./table.js').Table<TimeRow>} */
  const times = new Table({
    caption: 'Times',
    keyOf: ({ name }) => name,
    columns: [
      { key: 'name', label: 'Time from … to', isText: true, text: ({ name }) => name },
      { key: 'p50', label: 'Half within', text: ({ p50 }) => p50 },
      { key: 'p99', label: '99 % within', text: ({ p99 }) => p99 },
      numberColumn('count', 'Of', (row) => row.count),
    ],
  });
  /** @type {import('./table.js').Table<CommandRow>} */
  const commands = new Table({
    caption: 'Commands',
    keyOf: ({ name }) => name,
    columns: [
      { key: 'name', label: 'Command', isText: true, text: ({ name }) => name },
      numberColumn('rate', 'Per second', (row) => row.rate, rate),
      numberColumn('count', 'Since the start', (row) => row.count),
    ],
  });
  watch({ view: 'node' });
  const several = h(
    'div',
    { class: 'panel empty', hidden: true },
    h('p', {}, 'Choose one broker to see its threads.'),
  );
  const body = h(
    'div',
    {},
    tileRow([cpu, memory, messages, disk, io, net]),
    h(
      'div',
      { class: 'pair' },
      panel('Threads', threads.element),
      panel('Times, last minute', times.element),
    ),
    h('div', { class: 'pair' }, panel('Rings', rings.element), panel('Commands', commands.element)),
    panel('Broker', h('div', { class: 'body' }, facts.element)),
  );
  return {
    title: 'Node',
    element: h('div', {}, h('h1', { class: 'visually-hidden' }, 'Node'), several, body),
    onFrame: (frame) => {
      const { timeMs, view, broker } = frame;
      const { node } = view;
      several.hidden = node !== undefined;
      body.hidden = node === undefined;
      if (node === undefined) return;
      // After a restart the counters start from zero.
      if ((moments.at(-1)?.node.cpu ?? 0) > node.cpu) moments = [];
      moments = [
        ...moments.filter((moment) => moment.timeMs > timeMs - WINDOW_MS),
        { timeMs, node },
      ];
      const change = new Change(moments[0], { timeMs, node });
      cpu.show(percent(change.rate(({ cpu: seconds }) => seconds)), 'of one core');
      showMemory(memory, broker);
      messages.show(bytes(node.memory.messages), limitText(node.memory.messagesLimit));
      showVolume(disk, node);
      io.show(
        `${bytesRate(change.rate((one) => one.disk.written))}`,
        `read ${bytesRate(change.rate((one) => one.disk.read))}`,
      );
      net.show(
        bytesRate(change.rate(({ received }) => received)),
        `sent ${bytesRate(change.rate(({ sent }) => sent))}`,
      );
      threads.update(
        node.threads.map(({ name, heapUsed, heapLimit }, at) => ({
          name,
          busy: change.rate((one) => one.threads[at].busy) ?? 0,
          turns: change.rate((one) => one.threads[at].turns),
          heapUsed,
          heapLimit,
        })),
      );
      rings.update(
        node.rings.map(({ name, pump, disk: of, used, capacity }) => ({
          name: `${name}, pump ${pump}${of === null ? '' : `, disk ${of}`}`,
          used,
          capacity,
        })),
      );
      times.update(node.times.map(([name], at) => change.times(name, at)));
      commands.update(
        node.commands
          .map(([name, total], at) => ({
            name,
            count: total,
            rate: change.rate((one) => one.commands[at][1]),
          }))
          .filter((command) => command.count > 0),
      );
      facts.show(factsOf(frame, node));
    },
  };
}

/** The increase of counters between two moments. */
class Change {
  /**
   * @param {Moment} from
   * @param {Moment} to
   */
  constructor(from, to) {
    this.from = from.node;
    this.to = to.node;
    this.seconds = (to.timeMs - from.timeMs) / 1000;
  }

  /**
   * @param {(node: NodeData) => number} read
   * @returns {number | null} per second
   */
  rate(read) {
    return this.seconds <= 0 ? null : Math.max(0, read(this.to) - read(this.from)) / this.seconds;
  }

  /**
   * @param {string} name
   * @param {number} at
   * @returns {TimeRow}
   */
  times(name, at) {
    const before = this.from.times[at][1];
    const counts = this.to.times[at][1].map((value, bucket) => value - before[bucket]);
    const total = counts.reduce((sum, value) => sum + value, 0);
    const within = (/** @type {number} */ share) => {
      if (total === 0) return '–';
      let sum = 0;
      const bucket = counts.findIndex((value) => {
        sum += value;
        return sum >= total * share;
      });
      const bound = this.to.boundsUs[bucket];
      return bound === undefined ? 'longer' : span(bound / 1000);
    };
    return { name, p50: within(0.5), p99: within(0.99), count: total };
  }
}

/**
 * @param {Frame} frame
 * @param {NodeData} node
 * @returns {[string, string][]}
 */
function factsOf({ broker, timeMs }, node) {
  const collections = node.collections.reduce((sum, one) => sum + one.count, 0);
  const paused = node.collections.reduce((sum, one) => sum + one.seconds, 0);
  return [
    ['Version', `RingMQ ${broker.version}`],
    ['Node id', String(broker.id)],
    ['Started', `${dayAndTime(broker.startTimeMs)}, ${span(timeMs - broker.startTimeMs)} ago`],
    ['Health', broker.health],
    [
      'Connections',
      `${count(broker.connections.used)} TCP, ${count(broker.httpConnections)} HTTP; refused: ${count(node.refused)}`,
    ],
    [
      'HTTP answers',
      node.httpAnswers.map(([name, total]) => `${name}: ${count(total)}`).join(', '),
    ],
    [
      'Disk watermark',
      node.disk.volume === null
        ? 'none'
        : `publishes are refused below ${bytes(node.disk.volume.minFree)}`,
    ],
    ['Inputs that failed', count(node.failedInputs)],
    [
      'Garbage collections',
      `${counted(collections, 'run')}, ${span(paused * 1000)} in all, main thread`,
    ],
    ['Buffers outside the heap', bytes(node.memory.buffers)],
    ...(node.withoutHistory > 0
      ? [
          /** @type {[string, string]} */ ([
            'Without history',
            `${counted(node.withoutHistory, 'topic and channel')}: the broker keeps that of 4,096`,
          ]),
        ]
      : []),
  ];
}

/**
 * @param {Tile} tile
 * @param {NodeData} node
 */
function showVolume(tile, { disk: { volume } }) {
  if (volume === null) {
    tile.show('–', 'not watched');
    return;
  }
  const { size, free } = volume;
  tile.show(bytes(free), `of ${bytes(size)}`);
  tile.showShare(1 - free / size, `Disk: ${percent(1 - free / size)} used`, 0.95);
}

/** @param {number | null} value */
function bytesRate(value) {
  return value === null ? '–' : `${bytes(Math.round(value))}/s`;
}

/** @param {number | null} limit */
function limitText(limit) {
  return limit === null ? 'no limit' : `of ${bytes(limit)}`;
}

/**
 * @param {string} title
 * @param {HTMLElement} content
 */
function panel(title, content) {
  return h('section', { class: 'panel' }, h('header', {}, h('h2', {}, title)), content);
}
