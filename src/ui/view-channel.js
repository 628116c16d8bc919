/** A channel: its queue, its consumers, and what can be done with it. */

import { HistoryCharts } from './chart.js';
import { attempt, confirmByName, publishDialog, say } from './dialogs.js';
import { h, setText } from './dom.js';
import { count, rate, span, whole } from './format.js';
import { MessageBrowser } from './message-browser.js';
import {
  badgesOf,
  button,
  countedFacts,
  Facts,
  head,
  missing,
  QueueTiles,
  Tile,
  tileRow,
  topicPath,
} from './parts.js';
import { Pager, Table } from './table.js';
import { PolicyPanel } from './view-policies.js';
import { showBadges } from './view-topic.js';

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
  {
    key: 'ready',
    label: 'Ready',
    title: 'Messages it takes at a time (RDY)',
    text: ({ ready }) => count(ready),
    number: ({ ready }) => ready,
  },
  {
    key: 'inFlight',
    label: 'In flight',
    text: ({ inFlight }) => count(inFlight),
    number: ({ inFlight }) => inFlight,
  },
  {
    key: 'delivered',
    label: 'Delivered',
    text: ({ delivered }) => count(delivered),
    number: ({ delivered }) => delivered,
  },
  {
    key: 'finished',
    label: 'Finished',
    text: ({ finished }) => count(finished),
    number: ({ finished }) => finished,
  },
  {
    key: 'requeued',
    label: 'Requeued',
    text: ({ requeued }) => count(requeued),
    number: ({ requeued }) => requeued,
  },
  { key: 'age', label: 'Connected', text: ({ ageMs }) => span(ageMs) },
];

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} topic
 * @param {string} channel
 * @returns {import('./types.d.ts').Shown}
 */
export function channelView({ target, watch }, topic, channel) {
  let isPaused = false;
  /** @param {string} work */
  const send = (work) => target.send('POST', `channel/${work}`, { topic, channel });
  const pause = button('Pause', () =>
    attempt(isPaused ? `${channel} goes on` : `${channel} is paused`, () =>
      send(isPaused ? 'unpause' : 'pause'),
    ),
  );
  const top = head(
    channel,
    [
      ['Topics', '#/'],
      [topic, topicPath(topic)],
      [channel, null],
    ],
    [
      button('Publish', () => publishDialog(topic, target), 'primary'),
      pause,
      button('Empty', () => confirmEmpty(channel, () => send('empty')), 'danger'),
      button('Delete', () => confirmDelete(topic, channel, () => send('delete')), 'danger'),
    ],
  );
  const queues = new QueueTiles();
  const requeued = new Tile('Requeued', 'Messages that consumers have given back, since the start');
  const timedOut = new Tile(
    'Timed out',
    'Messages that were not finished in time, since the start',
  );
  const charts = new HistoryCharts(rate, count);
  void charts.load(target.history(topic, channel));
  const facts = new Facts();
  const policies = new PolicyPanel(target, topic, channel);
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
  const messages = new MessageBrowser(target, topic, channel);
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
    messages.element,
    h(
      'div',
      { class: 'pair loose' },
      h(
        'section',
        { class: 'panel' },
        h('header', {}, h('h2', {}, 'Counted')),
        h('div', { class: 'body' }, facts.element),
      ),
      policies.element,
    ),
  );
  const absent = missing('channel', `${channel} of ${topic}`);
  absent.hidden = true;
  watch(query);
  return {
    title: `${channel} of ${topic}`,
    element: h('div', {}, top.element, absent, body),
    onFrame: ({ timeMs, view }) => {
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      const { row, channel: counted, consumers = [], consumerCount: total = 0 } = view;
      if (row === undefined || counted === undefined) return;
      isPaused = row.isPaused;
      setText(pause, isPaused ? 'Unpause' : 'Pause');
      showBadges(top.badges, [
        ...badgesOf(row),
        ...(counted.isExpiring
          ? [/** @type {[string, string]} */ (['expires without a consumer', 'warn'])]
          : []),
      ]);
      queues.show(row);
      requeued.show(count(counted.requeueCount));
      timedOut.show(count(counted.timeoutCount));
      charts.push(timeMs, row);
      messages.showTime(timeMs);
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
      messages.close();
    },
  };
}

/**
 * @param {string} channel
 * @param {() => Promise<unknown>} work
 */
function confirmEmpty(channel, work) {
  confirmByName({
    title: `Empty ${channel}?`,
    text: 'All its messages are discarded: those that wait, those that are deferred, and those in flight.',
    name: channel,
    action: 'Discard messages',
    work: async () => {
      await work();
      say(`${channel} is empty`);
    },
  });
}

/**
 * @param {string} topic
 * @param {string} channel
 * @param {() => Promise<unknown>} work
 */
function confirmDelete(topic, channel, work) {
  confirmByName({
    title: `Delete ${channel}?`,
    text: 'The channel and its messages are gone. Its consumers are disconnected.',
    name: channel,
    action: 'Delete channel',
    work: async () => {
      await work();
      say(`${channel} is deleted`);
      location.hash = topicPath(topic);
    },
  });
}
