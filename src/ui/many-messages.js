/** Actions on all messages that a filter selects: in steps, with a count, until they are complete or stopped. */

import { say, showDialog } from './dialogs.js';
import { h, setText } from './dom.js';
import { counted, whole } from './format.js';
import { Refused } from './nodes.js';

/**
 * @typedef {import('./types.d.ts').ManyWork} ManyWork
 * @typedef {import('./types.d.ts').MessageFilter} MessageFilter
 * @typedef {import('./messages.js').MessageQueue} MessageQueue
 */

/**
 * @typedef {object} Setup
 * @property {MessageQueue} queue
 * @property {MessageFilter} filter
 * @property {() => unknown} onChange after something was done
 */

/** @param {Setup} setup */
export function requeueMany(setup) {
  const delay = h('input', { type: 'number', name: 'delay', min: 0, step: 1, placeholder: '0' });
  runDialog(setup, {
    work: 'message/requeue',
    title: `Requeue messages of ${setup.queue.name}?`,
    text: [
      `${whichOf(setup.filter, false)} are ready again at once, or after a delay.`,
      'Without a delay those that are ready stay as they are.',
    ],
    action: 'Requeue messages',
    past: 'requeued',
    fields: [h('label', {}, 'Deliver after, in milliseconds', delay)],
    isReady: () => delay.validity.valid,
    more: () => ({ delay: delay.value }),
  });
}

/** @param {Setup} setup */
export function finishMany(setup) {
  const typed = nameField(setup.queue.name);
  runDialog(setup, {
    work: 'message/finish',
    title: `Finish messages of ${setup.queue.name}?`,
    text: [
      `${whichOf(setup.filter, false)} leave ${setup.queue.name}, including those in flight.`,
      'No consumer gets them again.',
    ],
    action: 'Finish messages',
    past: 'finished',
    isDanger: true,
    ...typed,
  });
}

/** @param {Setup} setup */
export function purgeMany(setup) {
  const typed = nameField(setup.queue.name);
  runDialog(setup, {
    work: 'messages/purge',
    title: `Purge messages of ${setup.queue.name}?`,
    text: [
      `${whichOf(setup.filter, setup.filter.state === '')} are discarded.`,
      setup.filter.state === 'in-flight' ? '' : 'Messages in flight stay.',
    ],
    action: 'Discard messages',
    past: 'discarded',
    isDanger: true,
    ...typed,
  });
}

/** @param {Setup} setup */
export function moveMany(setup) {
  const { queue, filter } = setup;
  const to = h('input', {
    name: 'to',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 64,
    autofocus: true,
  });
  runDialog(setup, {
    work: 'messages/move',
    title: `Move messages of ${queue.name} to a topic`,
    text: [
      `${whichOf(filter, filter.state === '')} go to the topic, with new ids and no attempts.`,
      'A topic that does not exist is created.',
    ],
    action: 'Move messages',
    past: 'moved',
    fields: [h('label', {}, 'Topic', to)],
    isReady: () => /^[.a-zA-Z0-9_-]+(#ephemeral)?$/.test(to.value) && to.value !== queue.topic,
    more: () => ({ to: to.value }),
  });
}

/**
 * Which messages a filter selects, in words.
 * @param {MessageFilter} filter
 * @param {boolean} isWaitingOnly
 */
function whichOf({ state, match }, isWaitingOnly) {
  const what =
    state === '' ? (isWaitingOnly ? 'that wait' : '') : `that are ${state.replace('-', ' ')}`;
  return [
    'All messages',
    what,
    match !== '' && `${what === '' ? 'that' : 'and'} contain “${match}”`,
  ]
    .filter(Boolean)
    .join(' ');
}

/**
 * A name that has to be typed.
 * @param {string} name
 */
function nameField(name) {
  const input = h('input', {
    name: 'confirmation',
    autocomplete: 'off',
    spellcheck: 'false',
    autofocus: true,
  });
  return {
    fields: [h('label', {}, h('span', {}, 'Type ', h('code', {}, name), ' to confirm'), input)],
    isReady: () => input.value === name,
  };
}

/**
 * @param {Setup} setup
 * @param {object} how
 * @param {ManyWork} how.work
 * @param {string} how.title
 * @param {readonly string[]} how.text
 * @param {string} how.action
 * @param {string} how.past
 * @param {boolean} [how.isDanger]
 * @param {readonly Node[]} how.fields
 * @param {() => boolean} how.isReady
 * @param {() => import('./types.d.ts').Query} [how.more]
 */
function runDialog(setup, { work, title, text, action, past, isDanger, fields, isReady, more }) {
  const { queue, filter, onChange } = setup;
  let isStopped = false;
  const progress = h('p', { role: 'status' });
  const stop = h(
    'button',
    {
      type: 'button',
      onclick: () => {
        isStopped = true;
      },
    },
    'Stop',
  );
  const running = h('div', { class: 'message-work', hidden: true }, progress, stop);
  const dialog = showDialog({
    title,
    action,
    isDanger,
    content: [h('p', {}, text.join(' ').trim()), ...fields, running],
    isReady,
    work: async () => {
      isStopped = false;
      running.hidden = false;
      let total = 0;
      /** @type {string | null} */
      let cursor = null;
      const parameters = more?.() ?? {};
      try {
        do {
          setText(progress, `${whole(total)} ${past} so far`);
          const answer = await queue.workOnMany(work, filter, parameters, cursor);
          total += answer.done;
          cursor = answer.cursor;
        } while (cursor !== null && !isStopped && dialog.open);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        total += error.done;
        throw total === 0
          ? error
          : new Error(`${counted(total, 'message')} ${past}, then: ${error.message}`);
      } finally {
        running.hidden = true;
        if (total > 0) onChange();
      }
      say(`${cursor === null ? '' : 'Stopped: '}${counted(total, 'message')} ${past}`);
    },
  });
}
