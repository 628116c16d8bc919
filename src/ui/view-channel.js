/** A channel: its queue, its consumers, and what can be done with it. */

import { HistoryCharts } from './chart.js';
import { h, setText } from './dom.js';
import { count, rate, span, whole } from './format.js';
import {
  badgesOf,
  countedFacts,
  countedPair,
  Facts,
  missing,
  numberColumn,
  QueueTiles,
  Tile,
  tileRow,
  topicPath,
} from './parts.js';
import { QueueHead } from './queue-head.js';
import { Pager, Table } from './table.js';

/** @typedef {import('./types.d.ts').ConsumerRow} ConsumerRow */

const CONSUMERS_SHOWN = 50;

/** @type {readonly import('./table.js').Column<ConsumerRow>[]} */
const COLUMNS = [
  {
    key: 'client',
    label: 'Consumer',
    isText: true,
    isWide: true,
    text: ({ client, address }) => client || address,
    badges: ({ layers, state, broker }) => [
      ...layers.map((layer) => /** @type {[string]} */ ([layer])),
      ...(broker === undefined ? [] : [/** @type {[string]} */ ([broker])]),
      ...(state === 'closing' ? [/** @type {[string, string]} */ (['closing', 'warn'])] : []),
    ],
  },
  { key: 'address', label: 'Address', isText: true, text: ({ address }) => address },
  { key: 'agent', label: 'Client', isText: true, text: ({ agent }) => agent || '–' },
  numberColumn('ready', 'Ready', ({ ready }) => ready, count, 'Messages it takes at a time (RDY)'),
  numberColumn('inFlight', 'In flight', ({ inFlight }) => inFlight),
  numberColumn('delivered', 'Delivered', ({ delivered }) => delivered),
  numberColumn('finished', 'Finished', ({ finished }) => finished),
  numberColumn('requeued', 'Requeued', ({ requeued }) => requeued),
  { key: 'age', label: 'Connected', text: ({ ageMs }) => span(ageMs) },
];

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} topic
 * @param {string} channel
 * @param {import('./types.d.ts').Panels} panels
 * @returns {import('./types.d.ts').Shown}
 */
export function channelView({ target, watch }, topic, channel, { main, beside }) {
  const top = new QueueHead({
    noun: 'channel',
    names: { topic, channel },
    crumbs: [
      ['Topics', '#/'],
      [topic, topicPath(topic)],
      [channel, null],
    ],
    target,
    empty: {
      text: 'All its messages are discarded: those that wait, those that are deferred, and those in flight.',
      action: 'Discard messages',
    },
    remove: {
      text: 'The channel and its messages are gone. Its consumers are disconnected.',
      action: 'Delete channel',
    },
    parent: topicPath(topic),
  });
  const queues = new QueueTiles();
  const requeued = new Tile('Requeued', 'Messages that consumers have given back, since the start');
  const timedOut = new Tile(
    'Timed out',
    'Messages that were not finished in time, since the start',
  );
  const charts = new HistoryCharts(rate, count);
  void charts.load(target.history(topic, channel));
  const facts = new Facts();
  const query = { view: 'channel', topic, channel, limit: CONSUMERS_SHOWN };
  const table = new Table({
    caption: 'Consumers',
    columns: COLUMNS,
    keyOf: ({ address, broker = '', client }) => `${broker} ${address} ${client}`,
  });
  const pager = new Pager(CONSUMERS_SHOWN, (offset) => {
    consumersOffset = offset;
    watch({ ...query, offset });
  });
  let consumersOffset = 0;
  const consumerCount = h('span', { class: 'count' });
  const none = h(
    'div',
    { class: 'empty' },
    h('h3', {}, 'No consumers'),
    h('p', {}, `Messages wait until a client subscribes to ${channel} of ${topic}.`),
  );
  const body = h(
    'div',
    {},
    tileRow([...queues.all, requeued, timedOut]),
    charts.element,
    h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'Consumers ', consumerCount)),
      table.element,
      none,
      pager.element,
    ),
    main.element,
    countedPair(facts, beside),
  );
  const absent = missing('channel', `${channel} of ${topic}`);
  absent.hidden = true;
  watch(query);
  return {
    title: `${channel} of ${topic}`,
    element: h('div', {}, top.element, absent, body),
    onFrame: (frame) => {
      const { timeMs, view } = frame;
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      const { row, channel: counted, consumers = [], consumerCount: total = 0 } = view;
      if (row === undefined || counted === undefined) return;
      top.show(row.isPaused, [
        ...badgesOf(row),
        ...(counted.isExpiring
          ? [/** @type {[string, string]} */ (['expires without a consumer', 'warn'])]
          : []),
      ]);
      queues.show(row);
      requeued.show(count(counted.requeueCount));
      timedOut.show(count(counted.timeoutCount));
      charts.push(timeMs, row);
      main.onFrame(frame);
      facts.show([
        ['Messages since the start', whole(counted.messageCount)],
        ...countedFacts(counted),
      ]);
      setText(consumerCount, count(total));
      table.update(consumers);
      table.element.hidden = consumers.length === 0;
      none.hidden = total > 0;
      pager.update({ matched: total, offset: consumersOffset, rows: consumers });
    },
    close: () => {
      charts.close();
      main.close?.();
    },
  };
}
