/** Policies: all of them, and those in effect for a topic or a channel. */

import { h, setChildren, setText } from './dom.js';
import { Table } from './table.js';

/**
 * @typedef {import('./types.d.ts').Target} Target
 * @typedef {object} Policy
 * @property {string} name
 * @property {string} pattern
 * @property {number} priority
 * @property {string} source
 * @property {Record<string, string | number>} definition
 */

/**
 * @param {import('./types.d.ts').Context} context
 * @returns {import('./types.d.ts').Shown}
 */
export function policiesView({ target, watch }) {
  /** @type {import('./table.js').Table<Policy>} */
  const table = new Table({
    caption: 'Policies',
    keyOf: ({ name }) => name,
    columns: [
      { key: 'name', label: 'Policy', isText: true, text: ({ name }) => name },
      { key: 'pattern', label: 'For', isText: true, isWide: true, text: ({ pattern }) => pattern },
      { key: 'priority', label: 'Priority', text: ({ priority }) => String(priority) },
      { key: 'keys', label: 'Promises', isText: true, isWide: true, text: promises },
      { key: 'source', label: 'Set by', isText: true, text: ({ source }) => source },
    ],
  });
  const empty = h('div', { class: 'empty', hidden: true });
  const load = async () => {
    try {
      const [{ text }] = await target.get('policy');
      const { policies } = /** @type {{ policies: Policy[] }} */ (JSON.parse(text));
      table.update(policies);
      table.element.hidden = policies.length === 0;
      empty.hidden = policies.length > 0;
      setChildren(empty, ...help());
    } catch (error) {
      table.element.hidden = true;
      empty.hidden = false;
      setChildren(empty, h('p', {}, reasonOf(error)));
    }
  };
  void load();
  watch({ view: 'summary' });
  const again = h('button', { type: 'button', onclick: load }, 'Read again');
  return {
    title: 'Policies',
    element: h(
      'div',
      {},
      h('h1', { class: 'visually-hidden' }, 'Policies'),
      h(
        'section',
        { class: 'panel' },
        h('header', {}, h('h2', {}, 'Policies'), again),
        table.element,
        empty,
      ),
    ),
  };
}

function help() {
  return [
    h('h3', {}, 'No policies'),
    h(
      'p',
      {},
      'A policy gives topics and channels a message TTL, dead letters, attempts, rates or bounds:',
    ),
    h('code', {}, "ringmq policy set retries 'orders:*' max-attempts=5 dead-letter=dead.orders"),
  ];
}

/** @param {Policy} policy */
function promises({ definition }) {
  return Object.entries(definition)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ');
}

/** @param {unknown} error */
function reasonOf(error) {
  const text = error instanceof Error ? error.message : String(error);
  if (text === 'LOOPBACK_ONLY')
    return 'Policies are shown on the broker’s own machine only (--config-http=loopback).';
  if (text === 'NOT_FOUND') return 'Policies are not shown (--config-http=off).';
  return text;
}

/** The values in effect for a topic or a channel, and the policies that set them. */
export class PolicyPanel {
  #body = h('div', { class: 'body' });

  /**
   * @param {Target} target
   * @param {string} topic
   * @param {string} [channel]
   */
  constructor(target, topic, channel) {
    const again = h(
      'button',
      { type: 'button', class: 'plain', onclick: () => this.#load(target, topic, channel) },
      'Read again',
    );
    this.element = h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'Policies in effect'), again),
      this.#body,
    );
    void this.#load(target, topic, channel);
  }

  /**
   * @param {Target} target
   * @param {string} topic
   * @param {string} [channel]
   */
  async #load(target, topic, channel) {
    try {
      const [{ text }] = await target.get('policy/effective', { topic, channel });
      /** @type {{ keys: Record<string, { value: string | number, policy: string | null }> }} */
      const { keys } = JSON.parse(text);
      setChildren(
        this.#body,
        h(
          'dl',
          { class: 'facts' },
          ...inOrder(keys).flatMap(([key, { value, policy }]) => [
            h('dt', {}, key),
            h(
              'dd',
              { class: policy === null && 'quiet' },
              value === '' ? '–' : String(value),
              policy !== null && h('span', { class: 'badge' }, policy),
            ),
          ]),
        ),
      );
    } catch (error) {
      setText(this.#body, reasonOf(error));
    }
  }
}

/**
 * Policies override options.
 * @param {Record<string, { value: string | number, policy: string | null }>} keys
 */
function inOrder(keys) {
  const rank = (/** @type {{ policy: string | null }} */ { policy }) => (policy === null ? 1 : 0);
  return Object.entries(keys).sort(([, a], [, b]) => rank(a) - rank(b));
}
