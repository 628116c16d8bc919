/** Starts the page: chooses the view for the address, and gives it what the broker sends. */

import { setChildren } from './dom.js';
import { loadNodes, NodeSum } from './nodes.js';
import { Shell } from './shell.js';
import { channelView } from './view-channel.js';
import { channelsView } from './view-channels.js';
import { logView } from './view-log.js';
import { nodeView } from './view-node.js';
import { policiesView } from './view-policies.js';
import { topicView } from './view-topic.js';
import { topicsView } from './view-topics.js';

/**
 * @typedef {import('./types.d.ts').Context} Context
 * @typedef {import('./types.d.ts').Query} Query
 * @typedef {import('./types.d.ts').Shown} Shown
 * @typedef {import('./types.d.ts').Target} Target
 */

/**
 * The view of an address.
 * @param {string} hash
 * @param {Context} context
 * @returns {Shown}
 */
function viewOf(hash, context) {
  const words = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decodeURIComponent);
  const [place, topic, sub, channel] = words;
  if (place === 'topics' && topic && sub === 'channels' && channel) {
    return channelView(context, topic, channel);
  }
  if (place === 'topics' && topic) return topicView(context, topic);
  if (place === 'channels') return channelsView(context);
  if (place === 'policies') return policiesView(context);
  if (place === 'node') return nodeView(context);
  if (place === 'log') return logView(context);
  return topicsView(context);
}

const shell = new Shell();
const nodes = await loadNodes();
/** @type {Target} */
let target = nodes.length === 1 ? nodes[0] : new NodeSum(nodes);
/** @type {Shown | null} */
let shown = null;
/** @type {(() => void) | null} */
let endWatch = null;

function show() {
  endWatch?.();
  shown?.close?.();
  /** @type {Context} */
  const context = {
    target,
    watch: (query) => {
      endWatch?.();
      endWatch = target.watch(
        query,
        (frame) => {
          shell.showFrame(frame);
          shown?.onFrame?.(frame);
        },
        (state) => shell.showState(state),
      );
    },
  };
  try {
    shown = viewOf(location.hash, context);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    location.hash = '#/';
    return;
  }
  document.title = `${shown.title} · RingMQ`;
  shell.search = shown.search;
  shell.showPlace(location.hash);
  setChildren(shell.main, shown.element);
  scrollTo(0, 0);
}

shell.showNodes(nodes, (index) => {
  target = index === -1 ? new NodeSum(nodes) : nodes[index];
  show();
});
addEventListener('hashchange', () => {
  show();
  shell.main.focus({ preventScroll: true });
});
show();
