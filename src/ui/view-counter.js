/** The live number of messages that all channels have received. */

import { h, setText } from './dom.js';
import { rate, whole } from './format.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @returns {import('./types.d.ts').Shown}
 */
export function counterView({ watch }) {
  const number = h('p', { class: 'counter', 'aria-live': 'off' }, '–');
  const more = h('p', { class: 'count' }, '–');
  const isStill = matchMedia('(prefers-reduced-motion: reduce)');
  let shown = 0;
  let last = { messages: 0, perSecond: 0, atMs: 0 };
  let drawing = 0;
  // Between two frames it continues at the last rate; it never decreases.
  const draw = () => {
    const sinceS = isStill.matches ? 0 : (performance.now() - last.atMs) / 1000;
    shown = Math.max(shown, Math.floor(last.messages + last.perSecond * sinceS));
    setText(number, whole(shown));
    drawing = last.perSecond > 0 ? requestAnimationFrame(draw) : 0;
  };
  watch({ view: 'counter' });
  return {
    title: 'Counter',
    element: h(
      'section',
      { class: 'panel empty' },
      h('h1', {}, 'Messages of all channels'),
      number,
      more,
    ),
    onFrame: ({ view: { counter }, brokers }) => {
      if (counter === undefined) return;
      // The counter of a broker that restarts or disappears is lost.
      if (counter.messages < last.messages) shown = 0;
      // If the display is ahead, it waits.
      const ahead = Math.max(0, shown - counter.messages);
      const perSecond = counter.perSecond ?? 0;
      last = {
        messages: counter.messages,
        perSecond: ahead > perSecond ? 0 : perSecond,
        atMs: performance.now(),
      };
      setText(
        more,
        `${rate(counter.perSecond)} per second on ${whole(brokers?.answering ?? 0)} brokers, since their start`,
      );
      if (drawing === 0) draw();
    },
    close: () => cancelAnimationFrame(drawing),
  };
}
