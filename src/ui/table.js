/** A table of rows that change every second: rows keep their elements, and only texts that differ are written. */

import { h, keepInOrder, setAttribute, setChildren, setText } from './dom.js';
import { count, whole } from './format.js';

const EXTERNAL = { target: '_blank', rel: 'noopener noreferrer' };

/**
 * @template T
 * @typedef {object} Choice
 * @property {(row: T) => boolean} has
 * @property {(row: T, isChosen: boolean) => void} set
 */

/**
 * @template T
 * @typedef {object} Column
 * @property {string} key what the broker sorts by
 * @property {string} label
 * @property {string} [title] what it means
 * @property {boolean} [isText]
 * @property {boolean} [isUnsorted] the broker cannot sort by it
 * @property {boolean} [isWide] its text may take several lines
 * @property {(row: T) => string} text
 * @property {(row: T) => number | null} [number] what is shown in full when pointed at
 * @property {(row: T) => string | null} [href]
 * @property {boolean} [isExternal] it leads to another program's page
 * @property {(row: T) => unknown} [onPress] makes the text a button
 * @property {(row: T) => [text: string, tone?: string][]} [badges]
 * @property {Choice<T>} [choice] makes it a box to tick
 */

/**
 * @template T
 * @typedef {object} TableSetup
 * @property {string} caption
 * @property {readonly Column<T>[]} columns
 * @property {(row: T) => string} keyOf
 * @property {(key: string, isDescending: boolean) => void} [onSort]
 */

/** @template T */
export class Table {
  /** @type {Map<string, { element: HTMLElement, cells: Cell<T>[] }>} */
  #rows = new Map();
  #body = h('tbody');
  /** @type {TableSetup<T>} */
  #setup;
  /** @type {Map<string, HTMLElement>} */
  #heads = new Map();
  #choice = h('select', { 'aria-label': 'Sort by' });

  /** @param {TableSetup<T>} setup */
  constructor(setup) {
    this.#setup = setup;
    const { caption, columns, onSort } = setup;
    const head = columns.map((column) => this.#headOf(column));
    this.element = h(
      'div',
      { class: 'scroll' },
      h(
        'table',
        { class: 'cards' },
        h('caption', { class: 'visually-hidden' }, caption),
        h('thead', {}, h('tr', {}, ...head)),
        this.#body,
      ),
    );
    /** For narrow screens, which show no column heads. */
    this.sortChoice = h('label', { class: 'sort-choice' }, this.#choice);
    for (const { key, label, isText, isUnsorted } of onSort === undefined ? [] : columns) {
      if (isUnsorted) continue;
      for (const order of isText ? ['asc', 'desc'] : ['desc', 'asc']) {
        const words = isText
          ? order === 'asc'
            ? 'A–Z'
            : 'Z–A'
          : order === 'desc'
            ? 'most'
            : 'least';
        this.#choice.append(h('option', { value: `${key} ${order}` }, `Sort: ${label}, ${words}`));
      }
    }
    this.#choice.addEventListener('change', () => {
      const [key, order] = this.#choice.value.split(' ');
      onSort?.(key, order === 'desc');
    });
  }

  /**
   * @param {string} key
   * @param {boolean} isDescending
   */
  showSort(key, isDescending) {
    for (const [name, head] of this.#heads) {
      const isSorted = name === key;
      setAttribute(
        head,
        'aria-sort',
        isSorted ? (isDescending ? 'descending' : 'ascending') : 'none',
      );
      const arrow = head.querySelector('.arrow');
      if (arrow !== null) setText(arrow, isSorted ? (isDescending ? '↓' : '↑') : '');
    }
    this.#choice.value = `${key} ${isDescending ? 'desc' : 'asc'}`;
  }

  /** @param {readonly T[]} rows */
  update(rows) {
    const { keyOf, columns } = this.#setup;
    const byKey = new Map(rows.map((row) => [keyOf(row), row]));
    const focused = document.activeElement;
    keepInOrder(
      this.#body,
      this.#rows,
      [...byKey.keys()],
      () => {
        const cells = columns.map((column) => new Cell(column));
        return { element: h('tr', {}, ...cells.map(({ element }) => element)), cells };
      },
      ({ element }) => element,
    );
    for (const [key, { cells }] of this.#rows) {
      const row = byKey.get(key);
      if (row !== undefined) for (const cell of cells) cell.update(row);
    }
    // A row that has moved has lost the focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement) {
      if (this.#body.contains(focused)) focused.focus({ preventScroll: true });
    }
  }

  /** @param {Column<T>} column */
  #headOf({ key, label, title, isText, isUnsorted }) {
    const { onSort } = this.#setup;
    const properties = { scope: 'col', class: isText && 'left', title };
    if (onSort === undefined || isUnsorted) return h('th', properties, label);
    const onclick = () => {
      const sorted = head.getAttribute('aria-sort');
      onSort(key, sorted === 'none' ? !isText : sorted === 'ascending');
    };
    const arrow = h('span', { class: 'arrow', 'aria-hidden': 'true' });
    const text = isText ? [label, arrow] : [arrow, label];
    const head = h('th', properties, h('button', { type: 'button', onclick }, ...text));
    this.#heads.set(key, head);
    return head;
  }
}

/** @template T */
class Cell {
  /** @param {Column<T>} column */
  constructor(column) {
    this.column = column;
    const { label, isText, isWide, isExternal, href, onPress, badges } = column;
    const classes = [isText ? 'left' : '', isWide ? 'wide' : ''].join(' ').trim();
    this.element = h('td', { class: classes || null, 'data-label': label });
    /** @type {HTMLElement} */
    this.main = href === undefined ? this.element : h('a', isExternal ? EXTERNAL : {});
    this.badges = h('span');
    this.shown = '';
    /** @type {T | undefined} */
    this.row = undefined;
    /** @type {HTMLInputElement | null} */
    this.box = null;
    if (column.choice !== undefined) this.#addBox(column.choice);
    if (href === undefined && onPress === undefined && badges === undefined) return;
    if (onPress !== undefined) {
      const onclick = () => this.row !== undefined && onPress(this.row);
      this.main = h('button', { type: 'button', class: 'link', onclick });
    } else if (href === undefined) this.main = h('span');
    this.element.append(this.main, this.badges);
  }

  /** @param {Choice<T>} choice */
  #addBox(choice) {
    const onchange = () => this.row !== undefined && choice.set(this.row, box.checked);
    const box = h('input', { type: 'checkbox', onchange });
    this.box = box;
    this.element.append(box);
  }

  /** @param {T} row */
  update(row) {
    this.row = row;
    const { text, number, href, badges, choice } = this.column;
    const shown = text(row);
    if (this.box !== null) {
      this.box.checked = choice?.has(row) === true;
      setAttribute(this.box, 'aria-label', shown);
      return;
    }
    setText(this.main, shown);
    if (href !== undefined) setAttribute(this.main, 'href', href(row));
    if (number !== undefined) {
      const value = number(row);
      setAttribute(
        this.element,
        'title',
        value === null || count(value) === whole(value) ? null : whole(value),
      );
      this.element.classList.toggle('zero', !value);
    }
    if (badges === undefined) return;
    const list = badges(row);
    const key = JSON.stringify(list);
    if (key === this.shown) return;
    this.shown = key;
    setChildren(
      this.badges,
      ...list.map(([label, tone]) => h('span', { class: 'badge', 'data-tone': tone }, label)),
    );
  }
}

/** The current page of a list. */
export class Pager {
  #text = h('span', { 'aria-live': 'polite' });
  #before;
  #after;
  #offset = 0;
  #limit;

  /**
   * @param {number} limit
   * @param {(offset: number) => void} onTurn
   */
  constructor(limit, onTurn) {
    this.#limit = limit;
    const turn = (/** @type {number} */ pages) => onTurn(Math.max(0, this.#offset + pages * limit));
    this.#before = h(
      'button',
      { type: 'button', 'aria-label': 'Previous page', onclick: () => turn(-1) },
      '‹ Previous',
    );
    this.#after = h(
      'button',
      { type: 'button', 'aria-label': 'Next page', onclick: () => turn(1) },
      'Next ›',
    );
    this.element = h(
      'div',
      { class: 'pager', hidden: true },
      this.#text,
      this.#before,
      this.#after,
    );
  }

  /** @param {{ matched: number, offset: number, rows: readonly unknown[] }} list */
  update({ matched, offset, rows }) {
    this.#offset = offset;
    this.element.hidden = matched <= this.#limit;
    setText(this.#text, `${whole(offset + 1)}–${whole(offset + rows.length)} of ${whole(matched)}`);
    this.#before.disabled = offset === 0;
    this.#after.disabled = offset + rows.length >= matched;
  }
}
