/** Starts a page: chooses the view for the address, and connects it to its data. */

import { setChildren } from './dom.js';

/**
 * @typedef {import('./types.d.ts').Context} Context
 * @typedef {import('./types.d.ts').Shown} Shown
 * @typedef {import('./types.d.ts').Target} Target
 */

/** One view at a time. */
export class Views {
  /** @type {Shown | null} */
  #shown = null;
  /** @type {(() => void) | null} */
  #endWatch = null;
  #shell;
  #viewOf;
  #target;
  #title;

  /**
   * @param {object} setup
   * @param {import('./shell.js').Shell} setup.shell
   * @param {string} setup.title
   * @param {Target} setup.target
   * @param {(words: readonly string[], context: Context) => Shown} setup.viewOf the view of an address
   */
  constructor({ shell, title, target, viewOf }) {
    this.#shell = shell;
    this.#title = title;
    this.#target = target;
    this.#viewOf = viewOf;
    addEventListener('hashchange', () => {
      this.#show();
      shell.main.focus({ preventScroll: true });
    });
    this.#show();
  }

  /**
   * Changes what is shown.
   * @param {Target} target
   */
  setTarget(target) {
    this.#target = target;
    this.#show();
  }

  #show() {
    this.#endWatch?.();
    this.#shown?.close?.();
    const target = this.#target;
    const shell = this.#shell;
    /** @type {Context} */
    const context = {
      target,
      watch: (query) => {
        this.#endWatch?.();
        this.#endWatch = target.watch(
          query,
          (frame) => {
            shell.showFrame(frame);
            this.#shown?.onFrame?.(frame);
          },
          (state) => shell.showState(state),
        );
      },
    };
    /** @type {Shown} */
    let shown;
    try {
      shown = this.#viewOf(wordsOf(location.hash), context);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      location.hash = '#/';
      return;
    }
    this.#shown = shown;
    document.title = `${shown.title} · ${this.#title}`;
    shell.search = shown.search;
    shell.showPlace(location.hash);
    setChildren(shell.main, shown.element);
    scrollTo(0, 0);
  }
}

/** @param {string} hash */
function wordsOf(hash) {
  return hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decodeURIComponent);
}
