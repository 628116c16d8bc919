/** The top of a topic's or a channel's view: name, state and actions. */

import { attempt, confirmByName, publishDialog, say } from './dialogs.js';
import { h, setChildren, setText } from './dom.js';
import { button, head } from './parts.js';

/**
 * The warning before a destructive action.
 * @typedef {{ readonly text: string, readonly action: string }} Warning
 */

/** The top of one view. */
export class QueueHead {
  element;
  #badges;
  #isPaused = false;
  #pause;

  /**
   * @param {object} setup
   * @param {'topic' | 'channel'} setup.noun
   * @param {{ readonly topic: string, readonly channel?: string }} setup.names
   * @param {readonly (readonly [label: string, path: string | null])[]} setup.crumbs
   * @param {import('./types.d.ts').Target} setup.target
   * @param {Warning} setup.empty
   * @param {Warning} setup.remove
   * @param {string} setup.parent where to go when it is deleted
   */
  constructor({ noun, names, crumbs, target, empty, remove, parent }) {
    const name = names.channel ?? names.topic;
    /** @param {string} work */
    const send = (work) => target.send('POST', `${noun}/${work}`, names);
    this.#pause = button('Pause', () =>
      attempt(this.#isPaused ? `${name} is unpaused` : `${name} is paused`, () =>
        send(this.#isPaused ? 'unpause' : 'pause'),
      ),
    );
    const onEmpty = () =>
      confirmByName({
        title: `Empty ${name}?`,
        ...empty,
        name,
        work: async () => {
          await send('empty');
          say(`${name} is empty`);
        },
      });
    const onDelete = () =>
      confirmByName({
        title: `Delete ${name}?`,
        ...remove,
        name,
        work: async () => {
          await send('delete');
          say(`${name} is deleted`);
          location.hash = parent;
        },
      });
    const { element, badges } = head(name, crumbs, [
      ...(target.mayPublish
        ? [button('Publish', () => publishDialog(names.topic, target), 'primary', 'publish')]
        : []),
      this.#pause,
      button('Empty', onEmpty, 'danger'),
      button('Delete', onDelete, 'danger'),
    ]);
    this.element = element;
    this.#badges = badges;
  }

  /**
   * @param {boolean} isPaused
   * @param {readonly [text: string, tone?: string][]} badges
   */
  show(isPaused, badges) {
    this.#isPaused = isPaused;
    setText(this.#pause, isPaused ? 'Unpause' : 'Pause');
    const text = badges.map(([label]) => label).join('');
    if (this.#badges.textContent === text) return;
    setChildren(
      this.#badges,
      ...badges.map(([label, tone]) => h('span', { class: 'badge', 'data-tone': tone }, label)),
    );
  }
}
