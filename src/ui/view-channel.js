/** A channel: its queue, its consumers, and the actions on it. */

import { HistoryCharts } from './chart.js';
import { ConsumersPanel } from './consumers-panel.js';
import { h } from './dom.js';
import { count, rate, whole } from './format.js';
import {
  badgesOf,
  countedFacts,
  countedPair,
  Facts,
  missing,
  QueueTiles,
  Tile,
  tileRow,
  topicPath,
} from './parts.js';
import { QueueHead } from './queue-head.js';

/**
 * @param {import('./types.d.ts').Context} context
 * @param {string} topic
 * @param {string} channel
 * @param {import('./types.d.ts').Panels} panels
 * @returns {import('./types.d.ts').Shown}
 */
export function channelView({ target, watch }, topic, channel, { main, beside }) {
  const top = new QueueHead({
    noun: 'channel',
    names: { topic, channel },
    crumbs: [
      ['Topics', '#/'],
      [topic, topicPath(topic)],
      [channel, null],
    ],
    target,
    empty: {
      text: 'All its messages are discarded: those that wait, those that are deferred, and those in flight.',
      action: 'Discard messages',
    },
    remove: {
      text: 'The channel and its messages are gone. Its consumers are disconnected.',
      action: 'Delete channel',
    },
    parent: topicPath(topic),
  });
  const queues = new QueueTiles();
  const requeued = new Tile('Requeued', 'Messages that consumers have given back, since the start');
  const timedOut = new Tile(
    'Timed out',
    'Messages that were not finished in time, since the start',
  );
  const charts = new HistoryCharts(rate, count);
  void charts.load(target.history(topic, channel));
  const facts = new Facts();
  const consumers = new ConsumersPanel(watch, { topic, channel });
  const body = h(
    'div',
    {},
    tileRow([...queues.all, requeued, timedOut]),
    charts.element,
    consumers.element,
    main.element,
    countedPair(facts, beside),
  );
  const absent = missing('channel', `${channel} of ${topic}`);
  absent.hidden = true;
  return {
    title: `${channel} of ${topic}`,
    element: h('div', {}, top.element, absent, body),
    onFrame: (frame) => {
      const { timeMs, view } = frame;
      absent.hidden = view.missing !== true;
      body.hidden = view.missing === true;
      const { row, channel: counted } = view;
      if (row === undefined || counted === undefined) return;
      top.show(row.isPaused, [
        ...badgesOf(row),
        ...(counted.isExpiring
          ? [/** @type {[string, string]} */ (['expires without a consumer', 'warn'])]
          : []),
      ]);
      queues.show(row);
      requeued.show(count(counted.requeueCount));
      timedOut.show(count(counted.timeoutCount));
      charts.push(timeMs, row);
      main.onFrame(frame);
      facts.show([
        ['Messages since the start', whole(counted.messageCount)],
        ...countedFacts(counted),
      ]);
      consumers.show(view);
    },
    close: () => {
      charts.close();
      main.close?.();
    },
  };
}
