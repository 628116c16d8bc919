/** The first view of a fleet: all brokers at a glance, and their topics. */

import { HistoryCharts } from './chart.js';
import { h } from './dom.js';
import { count, rate } from './format.js';
import { numberColumns, QueueTiles, RowList, Tile, tileRow } from './parts.js';
import { Selection } from './selection.js';
import { newTopicButton, topicColumn } from './topics.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {import('./fleet-target.js').FleetTarget} fleet
 * @returns {import('./types.d.ts').Shown}
 */
export function fleetTopicsView({ watch }, fleet) {
  const queues = new QueueTiles();
  const brokers = new Tile('Brokers', 'Brokers that answer');
  const consumers = new Tile('Consumers', 'Clients that are subscribed to a channel');
  const charts = new HistoryCharts(rate, count);
  const selection = new Selection('topic', fleet, ({ name }) => ({ topic: name }));
  const list = new RowList({
    title: 'Topics',
    noun: 'topic',
    query: { view: 'topics' },
    watch,
    selection,
    columns: [topicColumn(), ...numberColumns('topics')],
    empty: () => [
      h('h3', {}, 'No topics yet'),
      h('p', {}, 'The first message that is published to a topic creates it.'),
    ],
    buttons: fleet.mayCreate ? [newTopicButton(fleet)] : [],
  });
  list.start();
  return {
    title: 'Topics',
    search: list.search,
    element: h(
      'div',
      {},
      h('h1', { class: 'visually-hidden' }, 'Topics'),
      tileRow([...queues.all, brokers, consumers]),
      charts.element,
      list.element,
    ),
    onFrame: ({ timeMs, totals, brokers: known, view }) => {
      queues.show(totals);
      consumers.show(count(totals.consumers));
      if (known !== undefined) {
        const silent = known.total - known.answering;
        brokers.show(count(known.answering), silent > 0 ? `${count(silent)} do not answer` : '');
      }
      charts.push(timeMs, totals);
      list.update(view.list);
    },
    close: () => charts.close(),
  };
}
