/** Brokers of a fleet as rows. */

import { confirmByName, say } from './dialogs.js';
import { h, setText } from './dom.js';
import { count } from './format.js';
import { numberColumns } from './parts.js';
import { hasRole } from './roles.js';
import { Table } from './table.js';

/**
 * @typedef {import('./fleet-target.js').FleetTarget} FleetTarget
 * @typedef {import('./types.d.ts').NodeRow} NodeRow
 */

/** @param {string} address */
export function nodePath(address) {
  return `#/nodes/${encodeURIComponent(address)}`;
}

/**
 * A topic on one broker.
 * @param {string} address
 * @param {string} topic
 */
export function nodeTopicPath(address, topic) {
  return `${nodePath(address)}/topics/${encodeURIComponent(topic)}`;
}

/**
 * A channel on one broker.
 * @param {string} address
 * @param {string} topic
 * @param {string} channel
 */
export function nodeChannelPath(address, topic, channel) {
  return `${nodeTopicPath(address, topic)}/channels/${encodeURIComponent(channel)}`;
}

/**
 * The warnings of a broker.
 * @param {NodeRow} row
 * @returns {[text: string, tone?: string][]}
 */
export function nodeBadges({ error, health, isOutOfDate, isPaused, isTombstoned, tombstones }) {
  return [
    ...(error === null ? [] : [/** @type {[string, string]} */ (['no answer', 'bad'])]),
    ...(health === 'OK' || health === ''
      ? []
      : [/** @type {[string, string]} */ (['unwell', 'bad'])]),
    ...(isPaused ? [/** @type {[string, string]} */ (['paused', 'warn'])] : []),
    ...(isTombstoned ? [/** @type {[string, string]} */ (['tombstoned', 'warn'])] : []),
    ...(!isTombstoned && tombstones > 0
      ? [/** @type {[string]} */ ([`${tombstones} tombstoned`])]
      : []),
    ...(isOutOfDate ? [/** @type {[string, string]} */ (['older version', 'warn'])] : []),
  ];
}

/**
 * Asks for confirmation, then tombstones.
 * @param {FleetTarget} fleet
 * @param {string} node
 * @param {string} topic
 */
export function tombstoneDialog(fleet, node, topic) {
  const hidden =
    fleet.lookupds.length === 0
      ? ''
      : 'nsqlookupds hide it from consumers of the topic for a while. ';
  confirmByName({
    title: `Tombstone ${topic} on ${node}?`,
    text: `${hidden}The topic and its messages are deleted on ${node}.`,
    name: topic,
    action: 'Tombstone',
    work: async () => {
      await fleet.tombstone(node, topic);
      say(`${topic} is tombstoned on ${node}`);
    },
  });
}

/** The brokers that have a topic, or one of its channels. */
export class NodesPanel {
  #count = h('span', { class: 'count' });
  #table;

  /**
   * @param {FleetTarget} fleet
   * @param {string} topic
   * @param {string} [channel]
   */
  constructor(fleet, topic, channel) {
    const ofTopic = channel === undefined;
    /** @type {import('./table.js').Column<NodeRow>} */
    const tombstone = {
      key: 'tombstone',
      label: 'Tombstone',
      isText: true,
      text: () => 'Tombstone',
      onPress: (row) => tombstoneDialog(fleet, row.name, topic),
    };
    /** @type {Table<NodeRow>} */
    this.#table = new Table({
      caption: 'Brokers',
      columns: [
        {
          key: 'name',
          label: 'Broker',
          isText: true,
          isWide: true,
          text: ({ name }) => name,
          href: ({ name }) => nodePath(name),
          badges: (row) => nodeBadges({ ...row, tombstones: 0 }),
        },
        ...numberColumns(ofTopic ? 'topics' : 'channels'),
        ...(ofTopic && hasRole('admin') ? [tombstone] : []),
      ],
      keyOf: ({ name }) => name,
    });
    this.element = h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'Brokers ', this.#count)),
      this.#table.element,
    );
  }

  /** @param {import('./types.d.ts').Frame} frame */
  onFrame({ view: { nodes = [] } }) {
    setText(this.#count, count(nodes.length));
    this.#table.update(nodes);
  }
}
