/** The end of the broker's log, as it is written. */

import { h, setChildren, setText } from './dom.js';
import { dayAndTime, timeOfDay } from './format.js';

/** @typedef {import('./types.d.ts').LogLine} LogLine */

const LINES_MAX = 1000;
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];

/**
 * @param {import('./types.d.ts').Context} context
 * @returns {import('./types.d.ts').Shown}
 */
export function logView({ watch, target }) {
  /** @type {LogLine[]} */
  let lines = [];
  const list = h('ol', { class: 'log mono', tabindex: '0', 'aria-label': 'Log lines' });
  const search = h('input', {
    type: 'search',
    placeholder: 'Filter  ( / )',
    'aria-label': 'Filter lines',
    oninput: () => showAll(),
  });
  const level = h(
    'select',
    { 'aria-label': 'Lowest level', onchange: () => showAll() },
    h('option', { value: 'debug' }, 'All levels'),
    h('option', { value: 'warn' }, 'Warnings and errors'),
    h('option', { value: 'error' }, 'Errors'),
  );
  const follow = h('input', { type: 'checkbox', checked: true, onchange: () => toEnd() });
  const empty = h('div', { class: 'empty' }, h('p', {}, 'No lines yet.'));

  /** @param {LogLine} line */
  const isShown = ({ level: own, text }) =>
    LEVELS.indexOf(own) >= LEVELS.indexOf(level.value) &&
    text.toLowerCase().includes(search.value.trim().toLowerCase());
  const toEnd = () => {
    if (follow.checked) list.scrollTop = list.scrollHeight;
  };
  const showAll = () => {
    const shown = lines.filter(isShown);
    setChildren(list, ...shown.map(lineOf));
    list.hidden = shown.length === 0;
    empty.hidden = shown.length > 0;
    toEnd();
  };
  const showEmpty = (/** @type {string} */ text) => setText(empty, text);
  showEmpty('No lines yet.');
  // A refused stream has no reason.
  target.get('config/log_level').catch((/** @type {unknown} */ error) => {
    const text = error instanceof Error ? error.message : String(error);
    if (text === 'LOOPBACK_ONLY')
      showEmpty('The log is shown on the broker’s own machine only (--config-http=loopback).');
    else if (text === 'NOT_FOUND') showEmpty('The log is not shown (--config-http=off).');
  });
  watch({ view: 'log' });
  return {
    title: 'Log',
    search,
    element: h(
      'div',
      {},
      h('h1', { class: 'visually-hidden' }, 'Log'),
      h(
        'section',
        { class: 'panel' },
        h(
          'header',
          {},
          h('h2', {}, 'Log'),
          search,
          h('div', {}, level),
          h('label', { class: 'choice' }, follow, 'Follow'),
        ),
        list,
        empty,
      ),
    ),
    onFrame: ({ log = [] }) => {
      const last = lines.at(-1)?.number ?? 0;
      const first = log.at(0)?.number ?? 0;
      // After a restart of the broker the count starts from zero.
      const added =
        first > last ? log : log.filter(({ timeMs }) => timeMs > (lines.at(-1)?.timeMs ?? 0));
      if (added.length === 0) return;
      lines = [...lines, ...added].slice(-LINES_MAX);
      const shown = added.filter(isShown);
      list.append(...shown.map(lineOf));
      while (list.childElementCount > LINES_MAX) list.firstElementChild?.remove();
      if (shown.length === 0) return;
      list.hidden = false;
      empty.hidden = true;
      toEnd();
    },
  };
}

/** @param {LogLine} line */
function lineOf({ timeMs, level, text }) {
  return h(
    'li',
    { 'data-level': level },
    h('time', { title: dayAndTime(timeMs) }, timeOfDay(timeMs)),
    h('span', { class: 'level' }, level === 'warn' ? 'WARNING' : level.toUpperCase()),
    h('span', { class: 'text' }, text),
  );
}
