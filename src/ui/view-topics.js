/** The first view: the broker at a glance, and its topics. */

import { HistoryCharts } from './chart.js';
import { h } from './dom.js';
import { bytes, count, counted, percent, rate, span } from './format.js';
import { numberColumns, QueueTiles, RowList, Tile, tileRow } from './parts.js';
import { newTopicButton, topicColumn } from './topics.js';

/**
 * @typedef {import('./types.d.ts').Context} Context
 * @typedef {import('./types.d.ts').Frame} Frame
 * @typedef {import('./types.d.ts').Shown} Shown
 */

/**
 * @param {Context} context
 * @returns {Shown}
 */
export function topicsView({ target, watch }) {
  const queues = new QueueTiles();
  const clients = new Tile('Connections', 'Clients over TCP');
  const memory = new Tile('Memory', 'Resident memory of the broker');
  const disk = new Tile('Disk free', 'Free space where the data is');
  const charts = new HistoryCharts(rate, count);
  void charts.load(target.history());
  const list = new RowList({
    title: 'Topics',
    noun: 'topic',
    query: { view: 'topics' },
    watch,
    columns: [topicColumn(), ...numberColumns('topics')],
    empty: () => [
      h('h3', {}, 'No topics yet'),
      h('p', {}, 'The first message that is published to a topic creates it:'),
      h(
        'code',
        {},
        `curl -d 'hello world' '${new URL('../pub?topic=greetings', document.baseURI)}'`,
      ),
    ],
    buttons: [newTopicButton(target)],
  });
  list.start();
  return {
    title: 'Topics',
    search: list.search,
    element: h(
      'div',
      {},
      h('h1', { class: 'visually-hidden' }, 'Topics'),
      tileRow([...queues.all, clients, memory, disk]),
      charts.element,
      list.element,
    ),
    onFrame: ({ timeMs, totals, broker, view }) => {
      queues.show(totals);
      clients.show(count(broker.connections.used), counted(totals.consumers, 'consumer'));
      showMemory(memory, broker);
      showDisk(disk, broker, span(timeMs - broker.startTimeMs));
      charts.push(timeMs, totals);
      list.update(view.list);
    },
    close: () => charts.close(),
  };
}

/**
 * @param {Tile} tile
 * @param {Frame['broker']} broker
 */
export function showMemory(tile, { memory: { used, max } }) {
  tile.show(bytes(used), max === null ? 'no limit' : `of ${bytes(max)}`);
  if (max !== null) tile.showShare(used / max, `Memory: ${percent(used / max)} of the limit`);
}

/**
 * @param {Tile} tile
 * @param {Frame['broker']} broker
 * @param {string} upTime
 */
function showDisk(tile, { disk }, upTime) {
  if (disk === null) {
    tile.show('–', `up for ${upTime}`);
    return;
  }
  const share = 1 - disk.free / disk.size;
  tile.show(bytes(disk.free), `of ${bytes(disk.size)}`);
  tile.showShare(share, `Disk: ${percent(share)} used`, 0.95);
}
