/** Parts that several views share. */

import { h, setAttribute, setChildren, setText } from './dom.js';
import { count, rate } from './format.js';
import { hasRole } from './roles.js';
import { Pager, Table } from './table.js';

/**
 * @typedef {import('./types.d.ts').Context} Context
 * @typedef {import('./types.d.ts').List} List
 * @typedef {import('./types.d.ts').Query} Query
 * @typedef {import('./types.d.ts').Row} Row
 */

const PAGE_ROWS = 50;

/**
 * The address of a topic's view.
 * @param {string} topic
 */
export function topicPath(topic) {
  return `#/topics/${encodeURIComponent(topic)}`;
}

/**
 * @param {string} topic
 * @param {string} channel
 */
export function channelPath(topic, channel) {
  return `${topicPath(topic)}/channels/${encodeURIComponent(channel)}`;
}

/** A number with its name. */
export class Tile {
  #value = h('dd', {}, '–');
  #more = h('dd', { class: 'more', hidden: true });
  /** @type {HTMLMeterElement | null} */
  #meter = null;

  /**
   * @param {string} label
   * @param {string} [title]
   * @param {string} [tone]
   */
  constructor(label, title, tone) {
    this.element = h(
      'div',
      { class: 'tile', title, 'data-tone': tone },
      h('dt', {}, label),
      this.#value,
      this.#more,
    );
  }

  /**
   * @param {string} value
   * @param {string} [more] a line below it
   */
  show(value, more = '') {
    setText(this.#value, value);
    setText(this.#more, more);
    this.#more.hidden = more === '';
  }

  /**
   * @param {number} share of one; at `high` and above it is too much
   * @param {string} label
   * @param {number} [high]
   */
  showShare(share, label, high = 0.9) {
    if (this.#meter === null) {
      this.#meter = h('meter', { min: 0, max: 1, low: high * 0.85, high, optimum: 0 });
      this.element.append(h('dd', { class: 'more' }, this.#meter));
    }
    setAttribute(this.#meter, 'value', share.toFixed(3));
    setAttribute(this.#meter, 'aria-label', label);
  }
}

/** @param {readonly Tile[]} tiles */
export function tileRow(tiles) {
  return h('dl', { class: 'tiles' }, ...tiles.map(({ element }) => element));
}

/** The tiles of rates and queues, for a topic, a channel or everything. */
export class QueueTiles {
  #in = new Tile('In, per second', 'Messages that are published', 'in');
  #out = new Tile(
    'Out, per second',
    'Messages that leave their channels: finished, expired, dropped or emptied',
    'out',
  );
  #queued = new Tile('Waiting', 'Messages in the queues of topics and channels', 'depth');
  #inFlight = new Tile('In flight', 'Messages that consumers have and have not finished');
  #deferred = new Tile('Deferred', 'Messages that are not due yet');
  all = [this.#in, this.#out, this.#queued, this.#inFlight, this.#deferred];

  /** @param {Pick<Row, 'in' | 'out' | 'queued' | 'onDisk' | 'inFlight' | 'deferred'>} row */
  show(row) {
    this.#in.show(rate(row.in));
    this.#out.show(rate(row.out));
    this.#queued.show(count(row.queued), row.onDisk > 0 ? `${count(row.onDisk)} on disk` : '');
    this.#inFlight.show(count(row.inFlight));
    this.#deferred.show(count(row.deferred));
  }
}

/**
 * A column of numbers, by which it is sorted.
 * @template R
 * @param {string} key
 * @param {string} label
 * @param {(row: R) => number | null} number
 * @param {(value: number | null) => string} [show]
 * @param {string} [title]
 * @returns {import('./table.js').Column<R>}
 */
export function numberColumn(key, label, number, show = count, title) {
  const column = { key, label, text: (/** @type {R} */ row) => show(number(row)), number };
  return title === undefined ? column : { ...column, title };
}

/**
 * @typedef {import('./table.js').Column<Row>} RowColumn
 * @type {readonly RowColumn[]}
 */
const NUMBERS = [
  numberColumn('in', 'In/s', (row) => row.in, rate, 'Published per second'),
  numberColumn('out', 'Out/s', (row) => row.out, rate, 'Finished or otherwise gone, per second'),
  numberColumn('queued', 'Waiting', (row) => row.queued, count, 'In the queues'),
  numberColumn('inFlight', 'In flight', (row) => row.inFlight, count, 'With consumers'),
  numberColumn('deferred', 'Deferred', (row) => row.deferred, count, 'Not due yet'),
];

/**
 * Columns of numbers that topics and channels have.
 * @param {'topics' | 'channels'} kind
 * @returns {RowColumn[]}
 */
export function numberColumns(kind) {
  /** @type {RowColumn[]} */
  const channels = [numberColumn('channels', 'Channels', (row) => row.channels)];
  /** @type {RowColumn} */
  const consumers = numberColumn('consumers', 'Consumers', (row) => row.consumers);
  return [...NUMBERS, ...(kind === 'topics' ? channels : []), consumers];
}

/**
 * The warnings of a row.
 * @param {Row} row
 * @returns {[text: string, tone?: string][]}
 */
export function badgesOf(row) {
  return [
    ...(row.isPaused ? [/** @type {[string, string]} */ (['paused', 'warn'])] : []),
    ...(row.isReplicated ? [/** @type {[string]} */ (['replicated'])] : []),
  ];
}

/** A list of rows that the broker sorts, searches and cuts into pages. */
export class RowList {
  /** @type {Query} */
  #query;
  #watch;
  #table;
  #pager;
  #count = h('span', { class: 'count' });
  #empty = h('div', { class: 'empty', hidden: true });
  #emptyText;
  #shownEmpty = '';
  /** @type {readonly Row[]} */
  #rows = [];
  #selection;

  /**
   * @param {object} setup
   * @param {string} setup.title
   * @param {string} setup.noun
   * @param {readonly RowColumn[]} setup.columns
   * @param {Query} setup.query what is watched besides sorting, searching and paging
   * @param {Context['watch']} setup.watch
   * @param {() => readonly (Node | string)[]} setup.empty help where there is nothing
   * @param {readonly Node[]} [setup.buttons]
   * @param {import('./types.d.ts').Selecting | undefined} [setup.selection] rows can be selected, for work on several
   */
  constructor({ title, noun, columns, query, watch, empty, buttons = [], selection }) {
    this.#watch = watch;
    this.#emptyText = empty;
    this.#query = { ...query, sort: 'name', desc: false, search: '', offset: 0, limit: PAGE_ROWS };
    this.search = h('input', {
      type: 'search',
      placeholder: `Search ${noun}s  ( / )`,
      'aria-label': `Search ${noun}s`,
      oninput: () => this.#change({ search: this.search.value.trim(), offset: 0 }),
    });
    this.#table = new Table({
      caption: title,
      columns: selection === undefined ? columns : [selection.column, ...columns],
      keyOf: (row) => `${row.topic}:${row.name}`,
      onSort: (key, isDescending) => this.#change({ sort: key, desc: isDescending, offset: 0 }),
    });
    this.#pager = new Pager(PAGE_ROWS, (offset) => this.#change({ offset }));
    this.element = h(
      'section',
      { class: 'panel' },
      h(
        'header',
        {},
        h('h2', {}, `${title} `, this.#count),
        this.search,
        this.#table.sortChoice,
        ...buttons,
      ),
      selection?.element,
      this.#table.element,
      this.#empty,
      this.#pager.element,
    );
    this.#table.showSort('name', false);
    this.#selection = selection;
    if (selection !== undefined) selection.onChange = () => this.#table.update(this.#rows);
  }

  start() {
    this.#watch(this.#query);
  }

  /** @param {List | undefined} list */
  update(list) {
    if (list === undefined) return;
    setText(this.#count, count(list.total));
    this.#selection?.showRows(list.rows);
    this.#rows = list.rows;
    this.#table.update(list.rows);
    this.#table.element.hidden = list.rows.length === 0;
    this.#pager.update(list);
    this.#showEmpty(list.rows.length > 0 ? '' : list.total === 0 ? 'none' : 'unmatched');
  }

  /** @param {'' | 'none' | 'unmatched'} why */
  #showEmpty(why) {
    if (why === this.#shownEmpty) return;
    this.#shownEmpty = why;
    this.#empty.hidden = why === '';
    if (why === 'none') setChildren(this.#empty, ...this.#emptyText());
    else if (why === 'unmatched')
      setChildren(this.#empty, h('p', {}, 'Nothing matches the search.'));
  }

  /** @param {Query} changes */
  #change(changes) {
    this.#query = { ...this.#query, ...changes };
    this.#table.showSort(String(this.#query['sort']), this.#query['desc'] === true);
    this.#watch(this.#query);
  }
}

/**
 * A list of facts, rewritten where it has changed.
 */
export class Facts {
  element = h('dl', { class: 'facts' });
  #shown = '';

  /** @param {readonly (readonly [name: string, value: string])[]} facts */
  show(facts) {
    const key = JSON.stringify(facts);
    if (key === this.#shown) return;
    this.#shown = key;
    setChildren(
      this.element,
      ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    );
  }
}

/**
 * A button. If the user lacks the role it is disabled, with the reason.
 * @param {string} label
 * @param {() => unknown} onclick
 * @param {string} [kind]
 * @param {string} [role]
 */
export function button(label, onclick, kind = '', role = 'admin') {
  const isAllowed = hasRole(role);
  const title = isAllowed ? null : `You need the role “${role}” for this`;
  const disabled = !isAllowed;
  return h('button', { type: 'button', class: kind || null, disabled, title, onclick }, label);
}

/**
 * @param {string} name
 * @param {readonly (readonly [label: string, path: string | null])[]} crumbs
 * @param {readonly Node[]} buttons
 */
export function head(name, crumbs, buttons) {
  const badges = h('span');
  const links = crumbs.flatMap(([label, path], at) => [
    at > 0 ? ' / ' : '',
    path === null ? label : h('a', { href: path }, label),
  ]);
  const element = h(
    'div',
    {},
    h('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, ...links),
    h(
      'div',
      { class: 'head' },
      h('h1', {}, name, badges),
      h('div', { class: 'buttons' }, ...buttons),
    ),
  );
  return { element, badges };
}

/**
 * @param {string} what
 * @param {string} name
 */
export function missing(what, name) {
  return h(
    'div',
    { class: 'panel empty' },
    h('h3', {}, `There is no ${what} ${name}`),
    h('p', {}, 'It was deleted, or it never existed.'),
    h('p', {}, h('a', { href: '#/' }, 'All topics')),
  );
}

/** The names of counters of policies, for people. @type {Record<string, string>} */
const COUNT_LABELS = {
  dropped: 'Dropped, the queue was full',
  expired: 'Expired',
  exhausted: 'Out of attempts',
  deadLetters: 'Sent to dead letters',
  deduplicated: 'Dropped as duplicates',
  throttled: 'Deliveries that had to wait',
};

/**
 * The counters of a topic or a channel.
 * @param {import('./types.d.ts').Counted} counted
 * @returns {[string, string][]}
 */
export function countedFacts({ policyCounts, policies, latency }) {
  return [
    ...Object.entries(policyCounts).map(
      ([name, value]) =>
        /** @type {[string, string]} */ ([COUNT_LABELS[name] ?? name, count(value)]),
    ),
    ...(latency ?? []).map(
      ({ quantile, value }) =>
        /** @type {[string, string]} */ ([
          `Publish to finish, ${quantile * 100} %`,
          `${(value / 1e6).toFixed(1)} ms`,
        ]),
    ),
    ...(policies === null ? [] : [policiesFact(policies)]),
  ];
}

/**
 * @param {readonly string[]} policies
 * @returns {[string, string]}
 */
function policiesFact(policies) {
  return ['Policies', policies.length === 0 ? 'none besides the options' : policies.join(', ')];
}

/**
 * The last two panels of a topic's or a channel's view.
 * @param {Facts} facts
 * @param {Node | null} beside
 */
export function countedPair(facts, beside) {
  return h(
    'div',
    { class: 'pair loose' },
    h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'Counted')),
      h('div', { class: 'body' }, facts.element),
    ),
    beside,
  );
}
