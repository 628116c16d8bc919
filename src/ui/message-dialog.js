/** One message: its properties, its body, and the actions on it. */

import { attempt, confirmByName, say, showDialog } from './dialogs.js';
import { h } from './dom.js';
import { bytes, dayAndTime, span, whole } from './format.js';
import { bodyView } from './message-body.js';
import { button, Facts } from './parts.js';

/**
 * @typedef {import('./types.d.ts').Message} Message
 * @typedef {import('./messages.js').MessageQueue} MessageQueue
 */

/**
 * Shows a message.
 * @param {object} setup
 * @param {MessageQueue} setup.queue
 * @param {Message} setup.message
 * @param {number} setup.nowMs the broker's time
 * @param {() => unknown} setup.onChange after something was done with it
 * @param {(why: string) => unknown} setup.onGone after it has left the queue
 */
export function messageDialog({ queue, message, nowMs, onChange, onGone }) {
  const { id, state } = message;
  const facts = new Facts();
  facts.show(factsOf(message, nowMs));
  const delay = h('input', {
    type: 'number',
    name: 'delay',
    min: 0,
    step: 1,
    placeholder: '0',
    'aria-label': 'Requeue after, in milliseconds',
  });
  /**
   * @param {string} done
   * @param {() => Promise<unknown>} work
   */
  const carryOut = async (done, work) => {
    if (!(await attempt(done, work))) return;
    dialog.close();
    onChange();
  };
  const requeue = button('Requeue', () => {
    if (!delay.reportValidity()) return undefined;
    const when = delay.value === '' || delay.value === '0' ? 'is ready again' : 'is deferred';
    return carryOut(`${id} ${when}`, () => queue.workOnOne('requeue', id, delay.value));
  });
  const touch = button('Touch', () =>
    carryOut(`${id} has its whole time again`, () => queue.workOnOne('touch', id)),
  );
  touch.title ||= 'Restarts the timeout of a message in flight';
  touch.disabled ||= state !== 'in-flight';
  const to = h('input', {
    name: 'to',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 64,
    required: true,
    pattern: '[.a-zA-Z0-9_\\-]+(#ephemeral)?',
    title: 'The name of a topic',
  });
  const move = button('Move', async () => {
    if (!to.reportValidity()) return;
    const done = `${id} is moved to ${to.value}`;
    if (!(await attempt(done, () => queue.moveOne(id, to.value)))) return;
    dialog.close();
    onGone(done);
  });
  const finish = button(
    'Finish',
    () => {
      dialog.close();
      confirmFinish(queue, id, onGone);
    },
    'danger',
  );
  pressOnEnter(delay, requeue);
  pressOnEnter(to, move);
  const isOfChannel = queue.channel !== undefined;
  const dialog = showDialog({
    title: `Message ${id}`,
    isLarge: true,
    content: [
      facts.element,
      bodyView(message),
      h(
        'div',
        { class: 'message-work' },
        isOfChannel && h('label', {}, 'Requeue after, in milliseconds', delay),
        isOfChannel && requeue,
        isOfChannel && touch,
        h('label', {}, 'Move to topic', to),
        move,
        finish,
      ),
    ],
  });
  return dialog;
}

/**
 * Makes Enter in a field press the button beside it.
 * @param {HTMLInputElement} field
 * @param {HTMLButtonElement} pressed
 */
function pressOnEnter(field, pressed) {
  field.addEventListener('keydown', ({ key }) => {
    if (key === 'Enter') pressed.click();
  });
}

/**
 * @param {Message} message
 * @param {number} nowMs
 * @returns {[string, string][]}
 */
function factsOf(message, nowMs) {
  const { state, published, attempts, due, deadline, consumer, size, on_disk: isOnDisk } = message;
  /** @type {[string, string][]} */
  const facts = [
    ['State', stateText(state) + (isOnDisk ? ', in a file' : '')],
    ['Published', `${dayAndTime(Date.parse(published))}, ${ageOf(published, nowMs)} ago`],
    ['Attempts', whole(attempts)],
  ];
  if (due !== null) facts.push(['Due', `${dayAndTime(Date.parse(due))}, ${until(due, nowMs)}`]);
  if (deadline !== null)
    facts.push(['Times out', `${dayAndTime(Date.parse(deadline))}, ${until(deadline, nowMs)}`]);
  if (consumer !== null) facts.push(['Consumer', consumerText(consumer)]);
  facts.push(['Size', size < 1024 ? bytes(size) : `${bytes(size)} (${whole(size)} bytes)`]);
  return facts;
}

/** @param {NonNullable<Message['consumer']>} consumer */
function consumerText({ client_id: client, hostname, remote_address: address }) {
  return [client, hostname !== client && hostname, address].filter(Boolean).join(', ');
}

/** @param {Message['state']} state */
export function stateText(state) {
  return state === 'in-flight' ? 'in flight' : state;
}

/**
 * How long ago a time was.
 * @param {string} time
 * @param {number} nowMs
 */
export function ageOf(time, nowMs) {
  return span(Math.max(0, nowMs - Date.parse(time)));
}

/**
 * How long it is until a time.
 * @param {string} time
 * @param {number} nowMs
 */
export function until(time, nowMs) {
  const leftMs = Date.parse(time) - nowMs;
  return leftMs > 0 ? `in ${span(leftMs)}` : 'now';
}

/**
 * @param {MessageQueue} queue
 * @param {string} id
 * @param {(why: string) => unknown} onGone
 */
function confirmFinish(queue, id, onGone) {
  confirmByName({
    title: `Finish ${id}?`,
    text: `The message leaves ${queue.name}, as if a consumer had finished it. No consumer gets it again.`,
    name: queue.name,
    action: 'Finish message',
    work: async () => {
      await queue.workOnOne('finish', id);
      say(`${id} is finished`);
      onGone(`${id} is finished`);
    },
  });
}
