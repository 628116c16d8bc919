/** The selected topics or channels, and the actions on them. */

import { bulkDialog } from './bulk.js';
import { h, setText } from './dom.js';
import { counted } from './format.js';
import { button } from './parts.js';
import { hasRole } from './roles.js';

/**
 * @typedef {import('./fleet-target.js').FleetTarget} FleetTarget
 * @typedef {import('./types.d.ts').QueueNames} QueueNames
 * @typedef {import('./types.d.ts').Row} Row
 * @typedef {import('./types.d.ts').Selecting} Selecting
 */

/** @implements {Selecting} */
export class Selection {
  /** @type {Map<string, QueueNames>} */
  #chosen = new Map();
  /** @type {readonly Row[]} */
  #shown = [];
  #noun;
  #namesOf;
  #count = h('span', { class: 'count', role: 'status' });
  #buttons;
  /** @type {(() => void) | undefined} */
  onChange;

  /**
   * @param {'topic' | 'channel'} noun
   * @param {FleetTarget} fleet
   * @param {(row: Row) => QueueNames} namesOf
   */
  constructor(noun, fleet, namesOf) {
    this.#noun = noun;
    this.#namesOf = namesOf;
    /** @param {import('./bulk.js').Work} work */
    const start = (work) =>
      bulkDialog({
        work,
        noun,
        queues: [...this.#chosen.values()],
        fleet,
        onDone: () => this.#clear(),
      });
    this.#buttons = [
      button('Pause', () => start('pause')),
      button('Unpause', () => start('unpause')),
      button('Empty', () => start('empty'), 'danger'),
      button('Delete', () => start('delete'), 'danger'),
    ];
    /** @type {import('./table.js').Column<Row>} */
    this.column = {
      key: 'choice',
      label: '',
      isText: true,
      isUnsorted: true,
      text: ({ name }) => `Select ${name}`,
      choice: {
        has: (row) => this.#chosen.has(this.#keyOf(row)),
        set: (row, isChosen) => {
          this.#choose(row, isChosen);
          this.#changed();
        },
      },
    };
    const all = button('Select all shown', () => {
      for (const row of this.#shown) this.#choose(row, true);
      this.#changed();
    });
    const none = button('Select none', () => this.#clear());
    this.element = h(
      'div',
      { class: 'selection', role: 'group', 'aria-label': 'Selection' },
      all,
      none,
      this.#count,
      ...this.#buttons,
    );
    this.#changed();
  }

  /** @param {readonly Row[]} rows */
  showRows(rows) {
    this.#shown = rows;
  }

  #clear() {
    this.#chosen.clear();
    this.#changed();
  }

  #changed() {
    const { size } = this.#chosen;
    setText(this.#count, `${counted(size, this.#noun)} selected`);
    for (const one of this.#buttons) one.disabled = size === 0 || !hasRole('admin');
    this.onChange?.();
  }

  /**
   * @param {Row} row
   * @param {boolean} isChosen
   */
  #choose(row, isChosen) {
    if (isChosen) this.#chosen.set(this.#keyOf(row), this.#namesOf(row));
    else this.#chosen.delete(this.#keyOf(row));
  }

  /** @param {Row} row */
  #keyOf(row) {
    return JSON.stringify(this.#namesOf(row));
  }
}
