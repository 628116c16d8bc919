/** The channels of all topics. */

import { h } from './dom.js';
import { badgesOf, channelPath, numberColumns, RowList, topicPath } from './parts.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {import('./types.d.ts').Selecting} [selection]
 * @returns {import('./types.d.ts').Shown}
 */
export function channelsView({ watch }, selection = undefined) {
  const list = new RowList({
    title: 'Channels',
    noun: 'channel',
    query: { view: 'channels' },
    watch,
    selection,
    columns: [
      {
        key: 'name',
        label: 'Topic',
        isText: true,
        isWide: true,
        text: (row) => row.topic,
        href: (row) => topicPath(row.topic),
      },
      {
        key: 'channel',
        label: 'Channel',
        isText: true,
        isWide: true,
        isUnsorted: true,
        text: (row) => row.name,
        href: (row) => channelPath(row.topic, row.name),
        badges: badgesOf,
      },
      ...numberColumns('channels'),
    ],
    empty: () => [
      h('h3', {}, 'No channels yet'),
      h(
        'p',
        {},
        'The first consumer that subscribes to a channel creates it; you can also create it on the page of its topic.',
      ),
    ],
  });
  list.start();
  return {
    title: 'Channels',
    search: list.search,
    element: h('div', {}, h('h1', { class: 'visually-hidden' }, 'Channels'), list.element),
    onFrame: ({ view }) => list.update(view.list),
  };
}
