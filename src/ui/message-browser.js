/** The messages of a channel, or those that wait in a topic itself: listed when asked for, page by page. */

import { h, setText } from './dom.js';
import { bytes, counted, timeOfDay } from './format.js';
import { finishMany, moveMany, purgeMany, requeueMany } from './many-messages.js';
import { ageOf, messageDialog, stateText, until } from './message-dialog.js';
import { MessageQueue } from './messages.js';
import { Refused } from './nodes.js';
import { button, numberColumn } from './parts.js';
import { Table } from './table.js';

/** @typedef {import('./types.d.ts').Message} Message */

const PAGE_ROWS = 50;
/** With more rows than this, the next page replaces the earlier ones. */
const ROWS_MAX = 1000;
const MATCH_CHARACTERS_MAX = 1024;
const BEGINNING_CHARACTERS = 80;

/** A panel that lists messages, opens one, and has buttons for all that match. */
export class MessageBrowser {
  #queue;
  /** @type {Message[]} */
  #rows = [];
  /** @type {string | null} */
  #cursor = null;
  /** Times are the broker's: its clock and the browser's may differ. */
  #nowMs = Date.now();
  #listedMs = 0;
  /** The number of the current listing; the next one, or the end of the view, cancels it. */
  #run = 0;
  #isRunning = false;

  #state = h(
    'select',
    { 'aria-label': 'State', onchange: () => this.#list() },
    h('option', { value: '' }, 'All states'),
    h('option', { value: 'ready' }, 'Ready'),
    h('option', { value: 'deferred' }, 'Deferred'),
    h('option', { value: 'in-flight' }, 'In flight'),
  );
  #match = h('input', {
    type: 'search',
    placeholder: 'Text in the body',
    'aria-label': 'Text in the body',
    maxlength: MATCH_CHARACTERS_MAX,
  });
  #status = h('span', { class: 'count', role: 'status' });
  #more = button(
    'More',
    () => (this.#more.textContent === 'Stop' ? this.#stop() : this.#next()),
    '',
    'read',
  );
  #pager = h('div', { class: 'pager', hidden: true }, this.#more);
  #table;
  #none = h('div', { class: 'empty', hidden: true }, h('p', {}, 'No such messages.'));
  #actions;

  /**
   * @param {import('./types.d.ts').Target} target
   * @param {string} topic
   * @param {string} [channel]
   */
  constructor(target, topic, channel) {
    const queue = new MessageQueue(target, topic, channel);
    this.#queue = queue;
    this.#table = new Table({
      caption: 'Messages',
      columns: this.#columns(),
      keyOf: ({ id }) => id,
    });
    this.#table.element.hidden = true;
    /** @param {(setup: import('./many-messages.js').Setup) => void} work */
    const many = (work) => () =>
      work({ queue, filter: this.#filter(), onChange: () => this.#list() });
    this.#actions = h(
      'div',
      { class: 'many', hidden: true },
      this.#status,
      channel !== undefined && button('Requeue all', many(requeueMany)),
      button('Move to …', many(moveMany)),
      button('Finish all', many(finishMany), 'danger'),
      button('Purge', many(purgeMany), 'danger'),
    );
    this.element = h(
      'section',
      { class: 'panel', 'aria-label': 'Messages' },
      h(
        'header',
        {},
        h('h2', {}, channel === undefined ? 'Messages in the topic itself' : 'Messages'),
        h(
          'form',
          {
            class: 'message-filter',
            onsubmit: (/** @type {Event} */ event) => {
              event.preventDefault();
              void this.#list();
            },
          },
          this.#nodeChoice(),
          this.#state,
          this.#match,
          h('button', { type: 'submit', class: 'primary' }, 'Browse'),
        ),
      ),
      this.#actions,
      this.#table.element,
      this.#none,
      this.#pager,
    );
  }

  /** @param {import('./types.d.ts').Frame} frame of which it needs the broker's time */
  onFrame({ timeMs }) {
    this.#nowMs = timeMs;
  }

  close() {
    this.#run++;
  }

  /** @returns {import('./table.js').Column<Message>[]} */
  #columns() {
    return [
      {
        key: 'id',
        label: 'Message',
        isText: true,
        text: ({ id }) => id,
        onPress: ({ id }) => this.#open(id),
      },
      { key: 'state', label: 'State', isText: true, text: ({ state }) => stateText(state) },
      { key: 'age', label: 'Age', text: ({ published }) => ageOf(published, this.#listedMs) },
      numberColumn('attempts', 'Attempts', ({ attempts }) => attempts),
      {
        key: 'due',
        label: 'Due',
        title: 'When a deferred message is due, or one in flight times out',
        text: ({ due, deadline }) => {
          const time = due ?? deadline;
          return time === null ? '–' : until(time, this.#listedMs);
        },
      },
      {
        key: 'consumer',
        label: 'Consumer',
        isText: true,
        text: ({ consumer }) => consumer?.client_id || consumer?.remote_address || '–',
      },
      { key: 'size', label: 'Size', text: ({ size }) => bytes(size) },
      { key: 'body', label: 'Begins with', isText: true, isWide: true, text: beginningOf },
    ];
  }

  /** The broker to ask. */
  #nodeChoice() {
    const { nodes } = this.#queue;
    if (nodes.length < 2) return null;
    const choice = h(
      'select',
      {
        'aria-label': 'Messages of broker',
        onchange: () => {
          this.#queue.node = nodes[Number(choice.value)];
          void this.#list();
        },
      },
      ...nodes.map(({ name }, at) => h('option', { value: at }, name)),
    );
    return choice;
  }

  /** @returns {import('./types.d.ts').MessageFilter} */
  #filter() {
    return { state: this.#state.value, match: this.#match.value };
  }

  /** Lists from the beginning. */
  #list() {
    this.#rows = [];
    this.#cursor = null;
    return this.#next();
  }

  #stop() {
    this.#run++;
    this.#isRunning = false;
    this.#show('');
  }

  /** Lists another page: pages may be short or empty although more follow. */
  async #next() {
    const run = ++this.#run;
    if (this.#rows.length >= ROWS_MAX) this.#rows = [];
    this.#isRunning = true;
    let left = PAGE_ROWS;
    this.#listedMs = this.#nowMs;
    let remark = '';
    this.#show('');
    try {
      do {
        const page = await this.#queue.list(this.#filter(), this.#cursor, left);
        if (run !== this.#run) return;
        this.#rows.push(...page.messages);
        this.#cursor = page.cursor;
        left -= page.messages.length;
        this.#show('');
      } while (this.#cursor !== null && left > 0);
    } catch (error) {
      if (run !== this.#run) return;
      remark = textOf(error);
    }
    this.#isRunning = false;
    this.#show(remark);
  }

  /** @param {string} remark what is said instead of the count */
  #show(remark) {
    this.#actions.hidden = false;
    this.#table.update(this.#rows);
    this.#table.element.hidden = this.#rows.length === 0;
    this.#none.hidden = this.#rows.length > 0 || this.#isRunning || remark !== '';
    this.#pager.hidden = this.#cursor === null && !this.#isRunning;
    setText(this.#more, this.#isRunning ? 'Stop' : 'More');
    const end = this.#cursor === null ? '' : ', there may be more';
    const shown = `${counted(this.#rows.length, 'message')} at ${timeOfDay(this.#listedMs)}${end}`;
    setText(
      this.#status,
      remark !== ''
        ? remark
        : this.#isRunning
          ? `Reading: ${counted(this.#rows.length, 'message')}`
          : shown,
    );
  }

  /** @param {string} id */
  async #open(id) {
    const message = await this.#find(id);
    if (message === undefined) return;
    messageDialog({
      queue: this.#queue,
      message,
      nowMs: this.#nowMs,
      onChange: () => this.#find(id),
      onGone: (why) => this.#remove(id, why),
    });
  }

  /**
   * @param {string} id
   * @param {string} why
   */
  #remove(id, why) {
    this.#rows = this.#rows.filter((row) => row.id !== id);
    this.#show(why);
  }

  /**
   * Reads a message again; its row is updated, or removed with it.
   * @param {string} id
   */
  async #find(id) {
    try {
      const message = await this.#queue.find(id);
      this.#listedMs = this.#nowMs;
      this.#rows = this.#rows.map((row) => (row.id === id ? message : row));
      this.#show('');
      return message;
    } catch (error) {
      if (error instanceof Refused && error.code === 'MESSAGE_NOT_FOUND') {
        this.#remove(id, `${id} is not here any more`);
      } else this.#show(textOf(error));
      return undefined;
    }
  }
}

/** @param {unknown} error */
function textOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {Message} message */
function beginningOf({ encoding, body, truncated }) {
  if (encoding === 'base64') return 'bytes that are not text';
  const isCut = truncated || body.length > BEGINNING_CHARACTERS;
  return `${body.slice(0, BEGINNING_CHARACTERS)}${isCut ? '…' : ''}`;
}
