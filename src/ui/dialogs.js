/** Dialogs and notifications. */

import { h, setText } from './dom.js';

const TOAST_MS = 5000;
const toasts = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });

/** Where notifications appear. */
export function toastArea() {
  return toasts;
}

/**
 * Shows a notification of a success or a failure.
 * @param {string} text
 * @param {'good' | 'bad'} [tone]
 */
export function say(text, tone = 'good') {
  const toast = h('div', { class: 'toast', 'data-tone': tone }, text);
  toasts.append(toast);
  setTimeout(() => toast.remove(), TOAST_MS);
}

/**
 * Does something, and shows a notification of the outcome.
 * @param {string} done
 * @param {() => Promise<unknown>} work
 */
export async function attempt(done, work) {
  try {
    await work();
    say(done);
    return true;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), 'bad');
    return false;
  }
}

/**
 * @typedef {object} DialogSetup
 * @property {string} title
 * @property {string} [action] the button that does it; without one there is only "Close"
 * @property {boolean} [isDanger]
 * @property {boolean} [isLarge]
 * @property {readonly (Node | string)[]} content
 * @property {() => Promise<unknown>} [work] the button's action; the dialog stays open when it fails
 * @property {() => boolean} [isReady] whether the button is enabled; called at each input
 */

/**
 * Shows a dialog.
 * @param {DialogSetup} setup
 */
export function showDialog({ title, action, isDanger, isLarge, content, work, isReady }) {
  const wrong = h('p', { class: 'wrong', role: 'alert' });
  const heading = h('h2', { id: 'dialog-title' }, title);
  const close = h(
    'button',
    { type: 'button', onclick: () => dialog.close() },
    action ? 'Cancel' : 'Close',
  );
  const confirm =
    action === undefined
      ? null
      : h('button', { type: 'submit', class: `primary ${isDanger ? 'danger' : ''}` }, action);
  const look = () => {
    if (confirm !== null) confirm.disabled = isReady?.() === false;
  };
  const form = h(
    'form',
    {
      oninput: look,
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        if (confirm === null || confirm.disabled || work === undefined) return;
        confirm.disabled = true;
        try {
          await work();
          dialog.close();
        } catch (error) {
          setText(wrong, error instanceof Error ? error.message : String(error));
        }
        confirm.disabled = false;
      },
    },
    heading,
    ...content,
    wrong,
    h('div', { class: 'buttons' }, close, confirm),
  );
  const dialog = h(
    'dialog',
    {
      class: isLarge && 'large',
      'aria-labelledby': 'dialog-title',
      onclose: () => dialog.remove(),
    },
    form,
  );
  document.body.append(dialog);
  look();
  dialog.showModal();
  return dialog;
}

/**
 * Asks for confirmation of a destructive action: the user types the name.
 * @param {object} setup
 * @param {string} setup.title
 * @param {string} setup.text
 * @param {string} setup.name
 * @param {string} setup.action
 * @param {() => Promise<unknown>} setup.work
 */
export function confirmByName({ title, text, name, action, work }) {
  const input = h('input', {
    name: 'confirmation',
    autocomplete: 'off',
    spellcheck: 'false',
    autofocus: true,
  });
  return showDialog({
    title,
    action,
    isDanger: true,
    content: [
      h('p', {}, text),
      h('label', {}, h('span', {}, 'Type ', h('code', {}, name), ' to confirm'), input),
    ],
    isReady: () => input.value === name,
    work,
  });
}

/**
 * Asks for a text.
 * @param {object} setup
 * @param {string} setup.title
 * @param {string} setup.label
 * @param {string} setup.action
 * @param {(text: string) => Promise<unknown>} setup.work
 */
export function askForName({ title, label, action, work }) {
  const input = h('input', {
    name: 'name',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 64,
    autofocus: true,
  });
  return showDialog({
    title,
    action,
    content: [h('label', {}, label, input)],
    isReady: () => /^[.a-zA-Z0-9_-]+(#ephemeral)?$/.test(input.value),
    work: () => work(input.value),
  });
}

/**
 * Asks for a message and publishes it.
 * @param {string} topic
 * @param {import('./types.d.ts').Target} target
 */
export function publishDialog(topic, target) {
  const body = h('textarea', {
    name: 'body',
    class: 'mono',
    spellcheck: 'false',
    autofocus: true,
    rows: 7,
  });
  const defer = h('input', { name: 'defer', type: 'number', min: 0, step: 1, placeholder: '0' });
  const kind = h('p', { class: 'count', 'aria-live': 'polite' });
  const look = () => setText(kind, describe(body.value));
  body.addEventListener('input', look);
  look();
  return showDialog({
    title: `Publish to ${topic}`,
    action: 'Publish',
    content: [
      h('label', {}, 'Message', body),
      kind,
      h('label', {}, 'Deliver after, in milliseconds', defer),
    ],
    isReady: () => body.value !== '' && defer.validity.valid,
    work: async () => {
      await target.send('POST', 'pub', { topic, defer: defer.value }, body.value);
      say(`Published ${new Blob([body.value]).size} bytes to ${topic}`);
    },
  });
}

/** @param {string} text */
function describe(text) {
  const size = new Blob([text]).size;
  if (size === 0) return 'Empty: the broker takes no empty message.';
  try {
    JSON.parse(text);
    return `${size} bytes, valid JSON`;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `${size} bytes of text`;
  }
}
