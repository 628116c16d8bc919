/** One broker of a fleet, with its topics. */

import { h, setChildren } from './dom.js';
import { count, span } from './format.js';
import { nodeBadges, nodeTopicPath, tombstoneDialog } from './node-table.js';
import {
  badgesOf,
  Facts,
  head,
  missing,
  numberColumns,
  QueueTiles,
  RowList,
  Tile,
  tileRow,
} from './parts.js';
import { hasRole } from './roles.js';
import { topicColumn } from './topics.js';
import { ownPage } from './view-nodes.js';

/** @typedef {import('./types.d.ts').Row} Row */

/**
 * @param {import('./types.d.ts').Context} context
 * @param {import('./fleet-target.js').FleetTarget} fleet
 * @param {string} address
 * @returns {import('./types.d.ts').Shown}
 */
export function fleetNodeView({ watch }, fleet, address) {
  const link = h(
    'a',
    { href: ownPage(address), target: '_blank', rel: 'noopener noreferrer', hidden: true },
    'Its own page',
  );
  const top = head(
    address,
    [
      ['Brokers', '#/nodes'],
      [address, null],
    ],
    [link],
  );
  const queues = new QueueTiles();
  const consumers = new Tile('Consumers', 'Clients that are subscribed to a channel');
  const facts = new Facts();
  /** @type {ReadonlySet<string>} */
  let tombstoned = new Set();
  /** @type {import('./parts.js').RowColumn} */
  const tombstone = {
    key: 'tombstone',
    label: 'Tombstone',
    isText: true,
    isUnsorted: true,
    text: () => 'Tombstone',
    onPress: (row) => tombstoneDialog(fleet, address, row.name),
  };
  const list = new RowList({
    title: 'Topics',
    noun: 'topic',
    query: { view: 'node', node: address },
    watch,
    columns: [
      topicColumn(
        (row) => [
          ...badgesOf(row),
          ...(tombstoned.has(row.name)
            ? [/** @type {[string, string]} */ (['tombstoned', 'warn'])]
            : []),
        ],
        (row) => nodeTopicPath(address, row.name),
      ),
      ...numberColumns('topics'),
      ...(hasRole('admin') ? [tombstone] : []),
    ],
    empty: () => [h('h3', {}, 'No topics on this broker')],
  });
  const body = h(
    'div',
    {},
    tileRow([...queues.all, consumers]),
    list.element,
    h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'About it')),
      h('div', { class: 'body' }, facts.element),
    ),
  );
  const absent = missing('broker', address);
  absent.hidden = true;
  let shownBadges = '';
  list.start();
  return {
    title: address,
    search: list.search,
    element: h('div', {}, top.element, absent, body),
    onFrame: ({ timeMs, view }) => {
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      const { fleetNode: node } = view;
      if (node === undefined) return;
      tombstoned = new Set(node.tombstoned);
      link.hidden = !node.hasPage;
      const badges = nodeBadges(node);
      if (badges.join() !== shownBadges) {
        shownBadges = badges.join();
        setChildren(
          top.badges,
          ...badges.map(([text, tone]) => h('span', { class: 'badge', 'data-tone': tone }, text)),
        );
      }
      queues.show(node);
      consumers.show(count(node.consumers));
      facts.show([
        ['Host', node.topic || '–'],
        ['Version', node.version || '–'],
        ...(node.zone === '' ? [] : [/** @type {[string, string]} */ (['Zone', node.zone])]),
        ['Up for', node.startTimeMs === 0 ? '–' : span(timeMs - node.startTimeMs)],
        ['Health', node.error ?? node.health],
        ['Listed by', node.lookups.length === 0 ? 'the options of admin' : node.lookups.join(', ')],
        ['Tombstoned topics', node.tombstoned.length === 0 ? 'none' : node.tombstoned.join(', ')],
      ]);
      list.update(view.list);
    },
  };
}
