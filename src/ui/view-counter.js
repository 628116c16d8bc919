/** How many messages all channels have got, as it grows. */

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
  // Between two frames it goes on at the last rate, and never back.
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
      // A broker that has started again, or has gone, takes its messages with it.
      if (counter.messages < last.messages) shown = 0;
      // What was shown ahead of its time is waited for.
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
