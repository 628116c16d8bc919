/** The page of a fleet: many brokers together. */

import { loadFleet } from './fleet-target.js';
import { graphLinks } from './graph-links.js';
import { NodesPanel } from './node-table.js';
import { Selection } from './selection.js';
import { Shell } from './shell.js';
import { Views } from './start.js';
import { channelView } from './view-channel.js';
import { channelsView } from './view-channels.js';
import { counterView } from './view-counter.js';
import { fleetNodeView } from './view-fleet-node.js';
import { nodeChannelView, nodeTopicView } from './view-fleet-node-queues.js';
import { fleetTopicsView } from './view-fleet-topics.js';
import { lookupView } from './view-lookup.js';
import { nodesView } from './view-nodes.js';
import { topicView } from './view-topic.js';

/** @typedef {import('./types.d.ts').Row} Row */

const base = new URL('../', import.meta.url);

/** The paths of nsqadmin's page lead to the same views. */
function pathToHash() {
  if (location.hash !== '') return;
  const [place, name, channel] = location.pathname.slice(base.pathname.length).split('/');
  if (!place || place === 'ui') return;
  const words = [place, name, ...(channel ? ['channels', channel] : [])].filter(Boolean);
  history.replaceState(null, '', `${base.href}#/${words.join('/')}`);
}

pathToHash();
const shell = new Shell([
  ['t', '#/', 'Topics'],
  ['c', '#/channels', 'Channels'],
  ['n', '#/nodes', 'Brokers'],
  ['k', '#/counter', 'Counter'],
  ['l', '#/lookup', 'Lookup'],
]);
const fleet = await loadFleet(base);

/**
 * @param {readonly string[]} words
 * @param {import('./types.d.ts').Context} context
 * @returns {import('./types.d.ts').Shown}
 */
function viewOf([place, name, sub, channel, part, below], context) {
  if (place === 'topics' && name && sub === 'channels' && channel) {
    return channelView(context, name, channel, {
      main: new NodesPanel(fleet, name, channel),
      beside: graphLinks(fleet, name, channel),
    });
  }
  if (place === 'topics' && name) {
    return topicView(context, name, {
      main: new NodesPanel(fleet, name),
      beside: graphLinks(fleet, name),
      selection: new Selection('channel', fleet, (row) => ({ topic: name, channel: row.name })),
    });
  }
  if (place === 'channels') {
    const names = (/** @type {Row} */ row) => ({ topic: row.topic, channel: row.name });
    return channelsView(context, new Selection('channel', fleet, names));
  }
  if (place === 'nodes' && name && sub === 'topics' && channel) {
    return part === 'channels' && below
      ? nodeChannelView(context, name, channel, below)
      : nodeTopicView(context, name, channel);
  }
  if (place === 'nodes' && name) return fleetNodeView(context, fleet, name);
  if (place === 'nodes') return nodesView(context, fleet);
  if (place === 'counter') return counterView(context);
  if (place === 'lookup') return lookupView(context, fleet);
  return fleetTopicsView(context, fleet);
}

new Views({ shell, title: 'RingMQ admin', target: fleet, viewOf });
