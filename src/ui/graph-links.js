/** Links to the graphs of a topic or a channel in graphite, if the fleet has it. */

import { h, setChildren } from './dom.js';

/**
 * A panel that is hidden while there are no graphs.
 * @param {import('./fleet-target.js').FleetTarget} fleet
 * @param {string} topic
 * @param {string} [channel]
 */
export function graphLinks(fleet, topic, channel) {
  const links = h('div', { class: 'body links' });
  const panel = h(
    'section',
    { class: 'panel', hidden: true },
    h('header', {}, h('h2', {}, 'Graphite')),
    links,
  );
  void fleet.graphs(topic, channel).then((graphs) => {
    setChildren(
      links,
      ...graphs.map(({ label, url }) =>
        h('a', { href: url, target: '_blank', rel: 'noreferrer' }, label),
      ),
    );
    panel.hidden = graphs.length === 0;
  });
  return panel;
}
