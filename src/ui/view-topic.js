/** A topic: its rates, its channels, and the actions on it. */

import { HistoryCharts } from './chart.js';
import { askForName, say } from './dialogs.js';
import { h } from './dom.js';
import { bytes, count, rate } from './format.js';
import {
  badgesOf,
  button,
  channelPath,
  countedFacts,
  countedPair,
  Facts,
  missing,
  numberColumns,
  QueueTiles,
  RowList,
  Tile,
  tileRow,
} from './parts.js';
import { QueueHead } from './queue-head.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} topic
 * @param {import('./types.d.ts').Panels} panels
 * @returns {import('./types.d.ts').Shown}
 */
export function topicView({ target, watch }, topic, { main, beside, selection }) {
  const top = new QueueHead({
    noun: 'topic',
    names: { topic },
    crumbs: [
      ['Topics', '#/'],
      [topic, null],
    ],
    target,
    empty: {
      text: 'All messages that wait in the topic itself are discarded. Its channels keep theirs.',
      action: 'Discard messages',
    },
    remove: {
      text: 'The topic, all its channels and all their messages are gone. Their consumers are disconnected.',
      action: 'Delete topic',
    },
    parent: '#/',
  });
  const queues = new QueueTiles();
  const own = new Tile(
    'In the topic itself',
    'Messages that are in no channel yet, because the topic has no channel or is paused',
  );
  const published = new Tile('Published', 'Messages since the start of the broker');
  const charts = new HistoryCharts(rate, count);
  void charts.load(target.history(topic));
  const facts = new Facts();
  const list = new RowList({
    title: 'Channels',
    noun: 'channel',
    query: { view: 'topic', topic },
    watch,
    columns: [
      {
        key: 'name',
        label: 'Channel',
        isText: true,
        isWide: true,
        text: (row) => row.name,
        href: (row) => channelPath(topic, row.name),
        badges: badgesOf,
      },
      ...numberColumns('channels'),
    ],
    empty: () => [
      h('h3', {}, 'No channels yet'),
      h('p', {}, 'Messages wait in the topic until its first channel gets them.'),
      h('p', {}, 'A consumer creates its channel when it subscribes.'),
    ],
    buttons: target.mayCreate ? [button('New channel', () => askForChannel(topic, target))] : [],
    selection,
  });
  const body = h(
    'div',
    {},
    tileRow([...queues.all, own, published]),
    charts.element,
    list.element,
    main.element,
    countedPair(facts, beside),
  );
  const absent = missing('topic', topic);
  absent.hidden = true;
  list.start();
  return {
    title: topic,
    search: list.search,
    element: h('div', {}, top.element, absent, body),
    onFrame: (frame) => {
      const { timeMs, view } = frame;
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      const { row, topic: counted } = view;
      if (row === undefined || counted === undefined) return;
      top.show(row.isPaused, badgesOf(row));
      queues.show(row);
      own.show(count(row.depth));
      published.show(count(counted.messageCount), bytes(counted.messageBytes));
      charts.push(timeMs, row);
      main.onFrame(frame);
      facts.show(countedFacts(counted));
      list.update(view.list);
    },
    close: () => {
      charts.close();
      main.close?.();
    },
  };
}

/**
 * @param {string} topic
 * @param {import('./types.d.ts').Target} target
 */
function askForChannel(topic, target) {
  askForName({
    title: `New channel of ${topic}`,
    label: 'Name: letters, digits, dots, dashes and underscores',
    action: 'Create',
    work: async (channel) => {
      await target.send('POST', 'channel/create', { topic, channel });
      say(`Created ${channel}`);
    },
  });
}
