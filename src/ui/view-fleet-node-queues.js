/** A topic or a channel on one broker of a fleet, with its consumers there. Actions apply to all brokers. */

import { ConsumersPanel } from './consumers-panel.js';
import { h } from './dom.js';
import { nodeChannelPath, nodePath, nodeTopicPath } from './node-table.js';
import {
  badgesOf,
  channelPath,
  head,
  missing,
  numberColumns,
  QueueTiles,
  RowList,
  tileRow,
  topicPath,
} from './parts.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} node the broker's address
 * @param {string} topic
 * @returns {import('./types.d.ts').Shown}
 */
export function nodeTopicView({ watch }, node, topic) {
  const list = new RowList({
    title: 'Channels',
    noun: 'channel',
    query: { view: 'topic', topic, node },
    watch,
    columns: [
      {
        key: 'name',
        label: 'Channel',
        isText: true,
        isWide: true,
        text: (row) => row.name,
        href: (row) => nodeChannelPath(node, topic, row.name),
        badges: badgesOf,
      },
      ...numberColumns('channels'),
    ],
    empty: () => [h('h3', {}, 'No channels on this broker')],
  });
  list.start();
  return {
    search: list.search,
    ...queueOnNode({
      crumbs: [[topic, null]],
      node,
      title: topic,
      everywhere: topicPath(topic),
      what: ['topic', `${topic} on ${node}`],
      below: list.element,
      onView: (view) => list.update(view.list),
    }),
  };
}

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} node the broker's address
 * @param {string} topic
 * @param {string} channel
 * @returns {import('./types.d.ts').Shown}
 */
export function nodeChannelView({ watch }, node, topic, channel) {
  const consumers = new ConsumersPanel(watch, { topic, channel, node });
  return queueOnNode({
    crumbs: [
      [topic, nodeTopicPath(node, topic)],
      [channel, null],
    ],
    node,
    title: channel,
    everywhere: channelPath(topic, channel),
    what: ['channel', `${channel} of ${topic} on ${node}`],
    below: consumers.element,
    onView: (view) => consumers.show(view),
  });
}

/**
 * @param {object} setup
 * @param {string} setup.node
 * @param {string} setup.title
 * @param {readonly [name: string, path: string | null][]} setup.crumbs behind the broker's
 * @param {string} setup.everywhere the path of the queue of all brokers
 * @param {[noun: string, name: string]} setup.what
 * @param {Node} setup.below
 * @param {(view: import('./types.d.ts').View) => void} setup.onView
 * @returns {import('./types.d.ts').Shown}
 */
function queueOnNode({ node, title, crumbs, everywhere, what, below, onView }) {
  const top = head(
    title,
    [['Brokers', '#/nodes'], [node, nodePath(node)], ...crumbs],
    [h('a', { href: everywhere }, 'On all brokers')],
  );
  const queues = new QueueTiles();
  const body = h('div', {}, tileRow(queues.all), below);
  const absent = missing(...what);
  absent.hidden = true;
  return {
    title: what[1],
    element: h('div', {}, top.element, absent, body),
    onFrame: ({ view }) => {
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      if (view.row === undefined) return;
      queues.show(view.row);
      onView(view);
    },
  };
}
