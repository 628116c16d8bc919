/** The frame around every view: navigation, the broker's state, theme and keyboard shortcuts. */

import { showDialog, toastArea } from './dialogs.js';
import { h, setAttribute, setChildren, setText } from './dom.js';

/**
 * @typedef {import('./types.d.ts').Frame} Frame
 * @typedef {import('./nodes.js').BrokerNode} BrokerNode
 */

/** @typedef {readonly [key: string, path: string, label: string]} Place a view with a link in the bar */

/** @type {Record<string, [tone: string, text: string]>} */
const STATES = {
  connecting: ['', 'connecting'],
  live: ['good', 'live'],
  paused: ['', 'paused'],
  lost: ['bad', 'no connection'],
  refused: ['bad', 'refused'],
};
const THEME_KEY = 'ringmq-theme';

/** The page without its view. */
export class Shell {
  main = h('main', { id: 'main', tabindex: '-1' });
  /** @type {HTMLElement | undefined} */
  search;

  #places;
  #links;
  #dot = h('span', { class: 'dot' });
  #name = h('span', { class: 'name' });
  #state = h('span', { role: 'status' }, 'connecting');
  #notice = h('div', { class: 'notice', role: 'alert', hidden: true });
  #theme = h('button', { type: 'button', class: 'plain', onclick: () => this.toggleTheme() });
  #nodes = h('select', { 'aria-label': 'Broker', hidden: true });

  /** @param {readonly Place[]} places */
  constructor(places) {
    this.#places = places;
    this.#links = places.map(([, path, label]) => h('a', { href: path }, label));
    const help = h(
      'button',
      {
        type: 'button',
        class: 'plain',
        'aria-label': 'Keyboard shortcuts',
        title: 'Keyboard shortcuts (?)',
        onclick: () => showKeys(places),
      },
      '?',
    );
    setChildren(
      document.body,
      h(
        'a',
        {
          class: 'skip',
          href: '#main',
          onclick: (/** @type {Event} */ event) => this.#skip(event),
        },
        'Skip to content',
      ),
      h(
        'header',
        { class: 'bar' },
        h(
          'a',
          { class: 'brand', href: '#/' },
          h('img', { src: new URL('icon.svg', import.meta.url), alt: '' }),
          'RingMQ',
        ),
        h('nav', { 'aria-label': 'Main' }, ...this.#links),
        h('div', { class: 'state' }, this.#nodes, this.#dot, this.#name, this.#state),
        h('div', {}, this.#theme, help),
      ),
      this.#notice,
      this.main,
      toastArea(),
    );
    this.#setTheme(localStorage.getItem(THEME_KEY));
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
      this.#setTheme(localStorage.getItem(THEME_KEY));
    });
    document.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /**
   * @param {readonly BrokerNode[]} nodes
   * @param {(index: number) => void} onChoice -1 for all of them
   */
  showNodes(nodes, onChoice) {
    if (nodes.length < 2) return;
    this.#nodes.hidden = false;
    this.#nodes.append(h('option', { value: -1 }, `All ${nodes.length} brokers`));
    nodes.forEach(({ name }, at) => {
      this.#nodes.append(h('option', { value: at }, name));
    });
    this.#nodes.addEventListener('change', () => onChoice(Number(this.#nodes.value)));
  }

  /** @param {string} hash */
  showPlace(hash) {
    const place = /^#\/[^/]*/.exec(hash)?.[0] ?? '#/';
    const path = place === '#/topics' ? '#/' : place;
    for (const link of this.#links) {
      const isHere = link.getAttribute('href') === path;
      setAttribute(link, 'aria-current', isHere ? 'page' : null);
    }
  }

  /** @param {string} state */
  showState(state) {
    const [tone, text] = STATES[state] ?? ['bad', state];
    setAttribute(this.#dot, 'data-state', tone);
    setText(this.#state, text);
    if (state === 'lost') this.#warn('The broker does not answer. The numbers are its last ones.');
  }

  /** @param {Frame} frame */
  showFrame({ broker }) {
    setText(this.#name, broker.name);
    const isWell = broker.health === 'OK' && broker.isReady;
    setAttribute(this.#dot, 'data-state', isWell ? 'good' : broker.isDraining ? 'warn' : 'bad');
    const reasons = [...(broker.health === 'OK' ? [] : [broker.health]), ...broker.notReady];
    this.#warn(isWell ? '' : `Not ready: ${[...new Set(reasons)].join('; ')}`);
  }

  toggleTheme() {
    const isLight = document.documentElement.dataset['theme'] === 'light';
    const theme = isLight ? 'dark' : 'light';
    localStorage.setItem(THEME_KEY, theme);
    this.#setTheme(theme);
  }

  /** @param {string | null} chosen */
  #setTheme(chosen) {
    const isLight =
      chosen === null ? matchMedia('(prefers-color-scheme: light)').matches : chosen === 'light';
    document.documentElement.dataset['theme'] = isLight ? 'light' : 'dark';
    setText(this.#theme, isLight ? '☾' : '☀');
    setAttribute(this.#theme, 'aria-label', isLight ? 'Dark theme' : 'Light theme');
    setAttribute(this.#theme, 'title', `${isLight ? 'Dark' : 'Light'} theme (d)`);
    dispatchEvent(new Event('themechange'));
  }

  /** @param {string} text */
  #warn(text) {
    if ((this.#notice.textContent ?? '') === text) return;
    this.#notice.hidden = text === '';
    setChildren(this.#notice, text === '' ? null : h('p', {}, text));
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault();
    this.main.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey || document.querySelector('dialog[open]') !== null) return;
    if (target instanceof HTMLElement && target.matches('input, textarea, select')) {
      if (key === 'Escape') target.blur();
      return;
    }
    const place = this.#places.find(([letter]) => letter === key);
    if (place !== undefined) location.hash = place[1];
    else if (key === 'd') this.toggleTheme();
    else if (key === '?') showKeys(this.#places);
    else if (key === '/' && this.search !== undefined) this.search.focus();
    else return;
    event.preventDefault();
  }
}

/** @param {readonly Place[]} places */
function showKeys(places) {
  /** @type {[string, string][]} */
  const keys = [
    ...places.map(([key, , label]) => /** @type {[string, string]} */ ([key, label])),
    ['/', 'Search'],
    ['d', 'Dark or light theme'],
    ['?', 'This list'],
    ['Esc', 'Close a dialog, leave a field'],
  ];
  const list = h('dl', { class: 'facts' });
  for (const [key, what] of keys) list.append(h('dt', {}, h('kbd', {}, key)), h('dd', {}, what));
  showDialog({ title: 'Keyboard shortcuts', content: [list] });
}
