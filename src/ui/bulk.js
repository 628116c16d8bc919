/** Actions on many topics or channels. They list what would be done on which brokers, then do it, one by one. */

import { say, showDialog } from './dialogs.js';
import { h, setChildren, setText } from './dom.js';
import { counted } from './format.js';

/**
 * @typedef {'pause' | 'unpause' | 'empty' | 'delete'} Work
 * @typedef {import('./fleet-target.js').FleetTarget} FleetTarget
 * @typedef {import('./types.d.ts').QueueNames} QueueNames
 */

/** @type {Record<Work, readonly [action: string, done: string]>} */
const WORDS = {
  pause: ['Pause', 'paused'],
  unpause: ['Unpause', 'unpaused'],
  empty: ['Empty', 'emptied'],
  delete: ['Delete', 'deleted'],
};
const PLANNED_TOGETHER = 4;
const FAILURES_SHOWN = 3;

/**
 * @param {object} setup
 * @param {Work} setup.work
 * @param {'topic' | 'channel'} setup.noun
 * @param {readonly QueueNames[]} setup.queues
 * @param {FleetTarget} setup.fleet
 * @param {() => void} setup.onDone
 */
export function bulkDialog({ work, noun, queues, fleet, onDone }) {
  const [action, done] = WORDS[work];
  const isDanger = work === 'empty' || work === 'delete';
  const what = counted(queues.length, noun);
  const lines = queues.map((names) => ({ names, place: h('span', {}, '…') }));
  const status = h('p', { role: 'status' }, 'Asking which brokers have them …');
  const typed = h('input', { name: 'confirmation', autocomplete: 'off', spellcheck: 'false' });
  let isPlanned = false;
  let isClosed = false;
  const dialog = showDialog({
    title: `${action} ${what}?`,
    action: `${action} ${what}`,
    isDanger,
    isLarge: true,
    content: [
      status,
      h(
        'ul',
        { class: 'plan' },
        ...lines.map(({ names, place }) => h('li', {}, h('code', {}, nameOf(names)), ' ', place)),
      ),
      isDanger
        ? h('label', {}, h('span', {}, 'Type ', h('code', {}, what), ' to confirm'), typed)
        : '',
    ],
    isReady: () => isPlanned && (!isDanger || typed.value === what),
    work: async () => {
      const failures = [];
      for (const [at, { names, place }] of lines.entries()) {
        if (isClosed) break;
        setText(status, `${at} of ${lines.length} ${done}`);
        try {
          await fleet.send('POST', `${noun}/${work}`, names);
          setText(place, done);
        } catch (error) {
          setText(place, `failed: ${textOf(error)}`);
          failures.push(`${nameOf(names)}: ${textOf(error)}`);
        }
      }
      if (failures.length > 0) {
        setText(status, '');
        const shown = failures.slice(0, FAILURES_SHOWN).join('; ');
        throw new Error(`${counted(failures.length, noun)} failed: ${shown}`);
      }
      onDone();
      say(`${what} ${done}`);
    },
  });
  dialog.addEventListener('close', () => {
    isClosed = true;
  });
  void plan();
  return dialog;

  async function plan() {
    const waiting = lines.values();
    const worker = async () => {
      for (const { names, place } of waiting) {
        if (isClosed) return;
        try {
          setChildren(place, placeText(work, await fleet.plan(names)));
        } catch (error) {
          setText(place, textOf(error));
        }
      }
    };
    await Promise.all(Array.from({ length: PLANNED_TOGETHER }, worker));
    isPlanned = true;
    setText(status, 'Nothing is done yet. This would be done:');
    // The dialog looks again whether it is ready.
    status.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

/**
 * @param {Work} work
 * @param {{ nodes: readonly string[], lookupds: readonly string[] }} plan
 */
function placeText(work, { nodes, lookupds }) {
  const onBrokers =
    nodes.length === 0
      ? 'on no broker'
      : `on ${counted(nodes.length, 'broker')}: ${nodes.join(', ')}`;
  if (work !== 'delete' || lookupds.length === 0) return `${WORDS[work][0]} ${onBrokers}`;
  return `${WORDS[work][0]} ${onBrokers}; in ${counted(lookupds.length, 'nsqlookupd')}: ${lookupds.join(', ')}`;
}

/** @param {QueueNames} names */
function nameOf({ topic, channel }) {
  return channel === undefined ? topic : `${topic} / ${channel}`;
}

/** @param {unknown} error */
function textOf(error) {
  return error instanceof Error ? error.message : String(error);
}
