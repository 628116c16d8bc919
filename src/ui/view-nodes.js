/** The brokers of a fleet. */

import { h } from './dom.js';
import { count, rate } from './format.js';
import { nodeBadges, nodePath } from './node-table.js';
import { numberColumn, RowList } from './parts.js';

/** @typedef {import('./types.d.ts').NodeRow} NodeRow */

/**
 * @param {import('./types.d.ts').Context} context
 * @param {import('./fleet-target.js').FleetTarget} fleet
 * @returns {import('./types.d.ts').Shown}
 */
export function nodesView({ watch }, { lookupds }) {
  /** @type {import('./table.js').Column<NodeRow>[]} */
  const columns = [
    {
      key: 'name',
      label: 'Broker',
      isText: true,
      isWide: true,
      text: (row) => row.name,
      href: (row) => nodePath(row.name),
      badges: nodeBadges,
    },
    { key: 'host', label: 'Host', isText: true, isUnsorted: true, text: (row) => row.topic },
    {
      key: 'version',
      label: 'Version',
      isText: true,
      isUnsorted: true,
      text: (row) => row.version || '–',
    },
    { key: 'topics', label: 'Topics', isUnsorted: true, text: (row) => count(row.topics) },
    numberColumn('channels', 'Channels', (row) => row.channels),
    numberColumn('in', 'In/s', (row) => row.in, rate, 'Published per second'),
    numberColumn('out', 'Out/s', (row) => row.out, rate, 'Finished or otherwise gone, per second'),
    numberColumn('queued', 'Waiting', (row) => row.queued, count, 'In the queues'),
    numberColumn('consumers', 'Consumers', (row) => row.consumers),
    ...(lookupds.length === 0 ? [] : [lookupColumn(lookupds.length)]),
    {
      key: 'page',
      label: 'Page',
      isText: true,
      isUnsorted: true,
      isExternal: true,
      text: (row) => (row.hasPage ? 'Open' : '–'),
      href: ({ hasPage, name }) => (hasPage ? ownPage(name) : null),
    },
  ];
  const list = new RowList({
    title: 'Brokers',
    noun: 'broker',
    query: { view: 'nodes' },
    watch,
    columns: /** @type {import('./parts.js').RowColumn[]} */ (columns),
    empty: () => [
      h('h3', {}, 'No brokers yet'),
      h('p', {}, 'A broker is found through the nsqlookupds that it is registered with.'),
    ],
  });
  list.start();
  return {
    title: 'Brokers',
    search: list.search,
    element: h('div', {}, h('h1', { class: 'visually-hidden' }, 'Brokers'), list.element),
    onFrame: ({ view }) => list.update(view.list),
  };
}

/**
 * The address of a broker's own page.
 * @param {string} address
 */
export function ownPage(address) {
  return `http://${address}/ui/`;
}

/**
 * @param {number} total
 * @returns {import('./table.js').Column<NodeRow>}
 */
function lookupColumn(total) {
  return {
    key: 'lookups',
    label: 'Lookup',
    title: 'nsqlookupds that list it',
    isUnsorted: true,
    text: (row) => `${row.lookups.length} of ${total}`,
  };
}
