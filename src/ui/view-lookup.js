/** What nsqlookupds know: their addresses, topics without a broker, and the creation of topics. */

import { attempt, confirmByName, say } from './dialogs.js';
import { h, setChildren } from './dom.js';
import { button } from './parts.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {import('./fleet-target.js').FleetTarget} fleet
 * @returns {import('./types.d.ts').Shown}
 */
export function lookupView({ watch }, fleet) {
  watch({ view: 'summary' });
  const title = h('div', { class: 'head' }, h('h1', {}, 'Lookup'));
  if (fleet.lookupds.length === 0) {
    const text =
      'The brokers are named by the options. Without nsqlookupds there is nothing to look up.';
    return {
      title: 'Lookup',
      element: h('div', { class: 'panel empty' }, title, h('p', {}, text)),
    };
  }
  const inactive = h('div', { class: 'body' });
  const load = async () => {
    try {
      const [{ text }] = await fleet.get('api/topics', { inactive: 'true' });
      /** @type {{ topics: Record<string, string[] | null> }} */
      const { topics } = JSON.parse(text);
      setChildren(inactive, inactiveList(topics));
    } catch (error) {
      setChildren(inactive, h('p', { class: 'wrong' }, String(error)));
    }
  };
  /** @param {Record<string, string[] | null>} topics */
  const inactiveList = (topics) => {
    const names = Object.keys(topics).sort();
    if (names.length === 0) return h('p', {}, 'Every topic has a broker.');
    return h(
      'ul',
      { class: 'plan' },
      ...names.map((topic) =>
        h('li', {}, ...entry(topic), channelList(topic, topics[topic] ?? [])),
      ),
    );
  };
  /**
   * @param {string} topic
   * @param {string} [channel]
   */
  const entry = (topic, channel) => {
    const name = channel ?? topic;
    const remove = button(
      'Delete',
      () =>
        confirmByName({
          title: `Delete ${name}?`,
          text: 'nsqlookupds forget it.',
          name,
          action: 'Delete',
          work: async () => {
            await fleet.send('POST', channel ? 'channel/delete' : 'topic/delete', {
              topic,
              channel,
            });
            say(`${name} is deleted`);
            await load();
          },
        }),
      'danger',
    );
    remove.setAttribute('aria-label', `Delete ${channel ? `${topic} / ${channel}` : topic}`);
    return [h('code', {}, name), ' ', remove];
  };
  /**
   * @param {string} topic
   * @param {readonly string[]} channels
   */
  const channelList = (topic, channels) =>
    channels.length === 0
      ? null
      : h('ul', {}, ...channels.map((channel) => h('li', {}, ...entry(topic, channel))));
  void load();
  return {
    title: 'Lookup',
    element: h(
      'div',
      {},
      title,
      h(
        'section',
        { class: 'panel' },
        h('header', {}, h('h2', {}, 'nsqlookupds')),
        h(
          'div',
          { class: 'body' },
          h('ul', {}, ...fleet.lookupds.map((one) => h('li', {}, h('code', {}, one)))),
        ),
      ),
      h(
        'section',
        { class: 'panel' },
        h('header', {}, h('h2', {}, 'New topic or channel')),
        createForm(fleet, load),
      ),
      h(
        'section',
        { class: 'panel' },
        h(
          'header',
          {},
          h('h2', {}, 'Topics without a broker'),
          h('button', { type: 'button', class: 'plain', onclick: load }, 'Read again'),
        ),
        inactive,
      ),
    ),
  };
}

/**
 * @param {import('./fleet-target.js').FleetTarget} fleet
 * @param {() => Promise<void>} onDone
 */
function createForm(fleet, onDone) {
  const field = (/** @type {string} */ name, /** @type {boolean} */ required) =>
    h('input', {
      name,
      required,
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: 64,
      pattern: '[.a-zA-Z0-9_\\-]+(#ephemeral)?',
      title: 'Letters, digits, dots, dashes and underscores',
    });
  const topic = field('topic', true);
  const channel = field('channel', false);
  const submit = button('Create', () => undefined);
  submit.type = 'submit';
  return h(
    'form',
    {
      class: 'body row',
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        const names = { topic: topic.value, channel: channel.value };
        const created = names.channel === '' ? names.topic : `${names.topic} / ${names.channel}`;
        await attempt(`Created ${created}`, () => fleet.send('POST', 'topic/create', names));
        await onDone();
      },
    },
    h('label', {}, 'Topic', topic),
    h('label', {}, 'Channel, if any', channel),
    submit,
  );
}
