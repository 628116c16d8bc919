/** A topic: its rates, its channels, and what can be done with it. */

import { HistoryCharts } from './chart.js';
import { askForName, attempt, confirmByName, publishDialog, say } from './dialogs.js';
import { h, setChildren, setText } from './dom.js';
import { bytes, count, rate } from './format.js';
import { MessageBrowser } from './message-browser.js';
import {
  badgesOf,
  button,
  channelPath,
  countedFacts,
  Facts,
  head,
  missing,
  numberColumns,
  QueueTiles,
  RowList,
  Tile,
  tileRow,
} from './parts.js';
import { PolicyPanel } from './view-policies.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} topic
 * @returns {import('./types.d.ts').Shown}
 */
export function topicView({ target, watch }, topic) {
  let isPaused = false;
  /** @param {string} work */
  const send = (work) => target.send('POST', `topic/${work}`, { topic });
  const pause = button('Pause', () =>
    attempt(isPaused ? `${topic} goes on` : `${topic} is paused`, () =>
      send(isPaused ? 'unpause' : 'pause'),
    ),
  );
  const top = head(
    topic,
    [
      ['Topics', '#/'],
      [topic, null],
    ],
    [
      button('Publish', () => publishDialog(topic, target), 'primary'),
      pause,
      button('Empty', () => confirmEmpty(topic, () => send('empty')), 'danger'),
      button('Delete', () => confirmDelete(topic, () => send('delete')), 'danger'),
    ],
  );
  const queues = new QueueTiles();
  const own = new Tile(
    'In the topic itself',
    'Messages that are in no channel yet, because there is none or the topic is paused',
  );
  const published = new Tile('Published', 'Messages since the start of the broker');
  const charts = new HistoryCharts(rate, count);
  void charts.load(target.history(topic));
  const facts = new Facts();
  const policies = new PolicyPanel(target, topic);
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
      h('p', {}, 'A consumer makes its channel when it subscribes.'),
    ],
    buttons: [button('New channel', () => askForChannel(topic, target))],
  });
  const messages = new MessageBrowser(target, topic);
  const body = h(
    'div',
    {},
    tileRow([...queues.all, own, published]),
    charts.element,
    list.element,
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
  const absent = missing('topic', topic);
  absent.hidden = true;
  list.start();
  return {
    title: topic,
    search: list.search,
    element: h('div', {}, top.element, absent, body),
    onFrame: ({ timeMs, view }) => {
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      const { row, topic: counted } = view;
      if (row === undefined || counted === undefined) return;
      isPaused = row.isPaused;
      setText(pause, isPaused ? 'Unpause' : 'Pause');
      showBadges(top.badges, badgesOf(row));
      queues.show(row);
      own.show(count(row.depth));
      published.show(count(counted.messageCount), bytes(counted.messageBytes));
      charts.push(timeMs, row);
      messages.showTime(timeMs);
      facts.show(countedFacts(counted));
      list.update(view.list);
    },
    close: () => {
      charts.close();
      messages.close();
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

/**
 * @param {string} topic
 * @param {() => Promise<unknown>} work
 */
function confirmEmpty(topic, work) {
  confirmByName({
    title: `Empty ${topic}?`,
    text: 'All messages that wait in the topic itself are discarded. Its channels keep theirs.',
    name: topic,
    action: 'Discard messages',
    work: async () => {
      await work();
      say(`${topic} is empty`);
    },
  });
}

/**
 * @param {string} topic
 * @param {() => Promise<unknown>} work
 */
function confirmDelete(topic, work) {
  confirmByName({
    title: `Delete ${topic}?`,
    text: 'The topic, all its channels and all their messages are gone. Their consumers are disconnected.',
    name: topic,
    action: 'Delete topic',
    work: async () => {
      await work();
      say(`${topic} is deleted`);
      location.hash = '#/';
    },
  });
}

/**
 * @param {HTMLElement} element
 * @param {readonly [text: string, tone?: string][]} badges
 */
export function showBadges(element, badges) {
  const text = badges.map(([label]) => label).join('');
  if (element.textContent === text) return;
  setChildren(
    element,
    ...badges.map(([label, tone]) => h('span', { class: 'badge', 'data-tone': tone }, label)),
  );
}
