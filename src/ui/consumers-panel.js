/** The consumers of a channel, a page at a time. */

import { h, setText } from './dom.js';
import { count, span } from './format.js';
import { numberColumn } from './parts.js';
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

/** Watches the channel, at all brokers or, if `names` has a `node`, at that one. */
export class ConsumersPanel {
  #count = h('span', { class: 'count' });
  #offset = 0;
  #table;
  #none;
  #pager;

  /**
   * @param {import('./types.d.ts').Context['watch']} watch
   * @param {import('./types.d.ts').Query & { topic: string, channel: string }} names
   */
  constructor(watch, names) {
    const query = { ...names, view: 'channel', limit: CONSUMERS_SHOWN };
    this.#table = new Table({
      caption: 'Consumers',
      columns: COLUMNS,
      keyOf: ({ address, broker = '', client }) => `${broker} ${address} ${client}`,
    });
    this.#pager = new Pager(CONSUMERS_SHOWN, (offset) => {
      this.#offset = offset;
      watch({ ...query, offset });
    });
    this.#none = h(
      'div',
      { class: 'empty' },
      h('h3', {}, 'No consumers'),
      h('p', {}, `Messages wait until a client subscribes to ${names.channel} of ${names.topic}.`),
    );
    this.element = h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'Consumers ', this.#count)),
      this.#table.element,
      this.#none,
      this.#pager.element,
    );
    watch(query);
  }

  /** @param {import('./types.d.ts').View} view */
  show({ consumers = [], consumerCount: total = 0 }) {
    setText(this.#count, count(total));
    this.#table.update(consumers);
    this.#table.element.hidden = consumers.length === 0;
    this.#none.hidden = total > 0;
    this.#pager.update({ matched: total, offset: this.#offset, rows: consumers });
  }
}
