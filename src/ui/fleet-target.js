/** All brokers of a fleet, through the API of `ringmq admin`. */

import { say } from './dialogs.js';
import { ask, urlOf, Watch } from './nodes.js';
import { setRoles } from './roles.js';

/**
 * @typedef {import('./types.d.ts').Answer} Answer
 * @typedef {import('./types.d.ts').Query} Query
 * @typedef {import('./types.d.ts').QueueNames} QueueNames
 * @typedef {import('./types.d.ts').Target} Target
 */

/** @implements {Target} */
export class FleetTarget {
  name = '';
  /** @type {readonly Target[]} */
  nodes = [];
  mayPublish = false;

  /**
   * @param {URL} base where the paths of the API begin
   * @param {readonly string[]} lookupds
   */
  constructor(base, lookupds) {
    this.base = base;
    this.lookupds = lookupds;
    // Without nsqlookupds the broker is unknown.
    this.mayCreate = lookupds.length > 0;
  }

  /**
   * @param {Query} query
   * @param {(frame: import('./types.d.ts').Frame) => void} onFrame
   * @param {(state: string) => void} onState
   */
  watch(query, onFrame, onState) {
    const watch = new Watch(urlOf(this.base, 'ui/events', query), onFrame, onState);
    return () => watch.close();
  }

  /** There is no history of a fleet. */
  async history() {
    return null;
  }

  /**
   * @param {string} path
   * @param {Query} [query]
   * @returns {Promise<Answer[]>}
   */
  async get(path, query = {}) {
    return [await ask('GET', urlOf(this.base, path, query))];
  }

  /**
   * The requests of a broker's page as requests of the API.
   * @param {string} _method
   * @param {string} path `topic/<work>` or `channel/<work>`
   * @param {Query} [names]
   */
  async send(_method, path, { topic, channel } = {}) {
    const names = { topic: String(topic), ...(channel ? { channel: String(channel) } : {}) };
    const work = path.split('/')[1];
    if (work === 'create') return this.#change('POST', 'api/topics', names);
    if (work === 'delete') return this.#change('DELETE', queuePath(names));
    return this.#change('POST', queuePath(names), { action: work });
  }

  /**
   * Hides a broker from the consumers of a topic, and deletes the topic there.
   * @param {string} node
   * @param {string} topic
   */
  tombstone(node, topic) {
    return this.#change('DELETE', `api/nodes/${encodeURIComponent(node)}`, { topic });
  }

  /**
   * The servers that an action on a topic or channel would reach.
   * @param {QueueNames} names
   * @returns {Promise<{ nodes: string[], lookupds: string[], message: string }>}
   */
  async plan({ topic, channel }) {
    const names = channel === undefined ? { topic } : { topic, channel };
    const [{ text }] = await this.get('ui/plan', names);
    return JSON.parse(text);
  }

  /**
   * Graphite's graphs; none if admin knows no graphite.
   * @param {string} topic
   * @param {string} [channel]
   * @returns {Promise<{ label: string, url: string }[]>}
   */
  async graphs(topic, channel) {
    const names = channel === undefined ? { topic } : { topic, channel };
    const [{ text }] = await this.get('ui/graphs', names);
    return JSON.parse(text).graphs;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #change(method, path, body) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await ask(method, urlOf(this.base, path, {}), text);
    const { message } = JSON.parse(answer.text);
    // Some brokers have done it, and others have not.
    if (message) say(message, 'bad');
    return [answer];
  }
}

/**
 * The fleet. Stores the user's roles.
 * @param {URL} base
 */
export async function loadFleet(base) {
  const { text } = await ask('GET', urlOf(base, 'ui/nodes', {}));
  /** @type {{ lookupds: string[], roles?: string[] }} */
  const { lookupds, roles } = JSON.parse(text);
  setRoles(roles);
  return new FleetTarget(base, lookupds);
}

/** @param {QueueNames} names */
function queuePath({ topic, channel }) {
  const end = channel === undefined ? '' : `/${encodeURIComponent(channel)}`;
  return `api/topics/${encodeURIComponent(topic)}${end}`;
}
