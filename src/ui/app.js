/** The page of a broker. */

import { MessageBrowser } from './message-browser.js';
import { loadNodes, NodeSum } from './nodes.js';
import { Shell } from './shell.js';
import { Views } from './start.js';
import { channelView } from './view-channel.js';
import { channelsView } from './view-channels.js';
import { logView } from './view-log.js';
import { nodeView } from './view-node.js';
import { PolicyPanel, policiesView } from './view-policies.js';
import { topicView } from './view-topic.js';
import { topicsView } from './view-topics.js';

/**
 * @param {readonly string[]} words
 * @param {import('./types.d.ts').Context} context
 * @returns {import('./types.d.ts').Shown}
 */
function viewOf([place, topic, sub, channel], context) {
  const { target } = context;
  if (place === 'topics' && topic && sub === 'channels' && channel) {
    return channelView(context, topic, channel, {
      main: new MessageBrowser(target, topic, channel),
      beside: new PolicyPanel(target, topic, channel).element,
    });
  }
  if (place === 'topics' && topic) {
    return topicView(context, topic, {
      main: new MessageBrowser(target, topic),
      beside: new PolicyPanel(target, topic).element,
    });
  }
  if (place === 'channels') return channelsView(context);
  if (place === 'policies') return policiesView(context);
  if (place === 'node') return nodeView(context);
  if (place === 'log') return logView(context);
  return topicsView(context);
}

const shell = new Shell([
  ['t', '#/', 'Topics'],
  ['c', '#/channels', 'Channels'],
  ['p', '#/policies', 'Policies'],
  ['n', '#/node', 'Node'],
  ['l', '#/log', 'Log'],
]);
const nodes = await loadNodes();
const views = new Views({
  shell,
  title: 'RingMQ',
  target: nodes.length === 1 ? nodes[0] : new NodeSum(nodes),
  viewOf,
});
shell.showNodes(nodes, (index) => {
  views.setTarget(index === -1 ? new NodeSum(nodes) : nodes[index]);
});
