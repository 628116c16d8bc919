/**
 * The brokers that the page shows. A broker serves the page for itself alone; a program that serves it for several
 * answers `/ui/nodes` with the address of each, under its own. Views take a node, or the sum of all nodes.
 */

import { mergeFrames, mergeHistories } from './merge.js';
import { setRoles } from './roles.js';

/**
 * @typedef {import('./types.d.ts').Answer} Answer
 * @typedef {import('./types.d.ts').Frame} Frame
 * @typedef {import('./types.d.ts').History} History
 * @typedef {import('./types.d.ts').Query} Query
 * @typedef {import('./types.d.ts').Target} Target
 */

/** The broker's reason for a refusal. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} reason
   * @param {number} [done] what was done before it failed
   */
  constructor(status, code, reason, done = 0) {
    super(reason === '' ? code : reason);
    this.status = status;
    this.code = code;
    this.done = done;
  }
}

const RETRY_MS = 2000;

/** @implements {Target} */
export class BrokerNode {
  /**
   * @param {string} base where the broker's own paths begin, as a URL relative to the page
   * @param {string} name
   */
  constructor(base, name) {
    this.name = name;
    this.base = new URL(base, document.baseURI);
    this.nodes = [this];
    this.mayPublish = true;
    this.mayCreate = true;
  }

  /**
   * @param {Query} query
   * @param {(frame: Frame) => void} onFrame
   * @param {(state: string) => void} onState
   */
  watch(query, onFrame, onState) {
    const watch = new Watch(this.#url('ui/events', query), onFrame, onState);
    return () => watch.close();
  }

  /**
   * @param {string} [topic]
   * @param {string} [channel]
   * @returns {Promise<History | null>}
   */
  async history(topic, channel) {
    const [{ text }] = await this.get('ui/history', { topic, channel });
    return JSON.parse(text).history;
  }

  /**
   * @param {string} path
   * @param {Query} [query]
   */
  get(path, query) {
    return this.send('GET', path, query);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Query} [query]
   * @param {BodyInit} [body]
   * @returns {Promise<Answer[]>}
   */
  async send(method, path, query = {}, body = undefined) {
    return [await ask(method, this.#url(path, query), body)];
  }

  /**
   * @param {string} path
   * @param {Query} query
   */
  #url(path, query) {
    return urlOf(this.base, path, query);
  }
}

/**
 * All nodes together.
 * @implements {Target}
 */
export class NodeSum {
  /** @param {readonly BrokerNode[]} nodes */
  constructor(nodes) {
    this.name = '';
    this.nodes = nodes;
    this.mayPublish = true;
    this.mayCreate = true;
  }

  /**
   * @param {Query} query
   * @param {(frame: Frame) => void} onFrame
   * @param {(state: string) => void} onState
   */
  watch(query, onFrame, onState) {
    /** @type {Map<string, Frame>} */
    const latest = new Map();
    /** @type {Map<string, string>} */
    const states = new Map();
    const offset = Number(query['offset'] ?? 0);
    const limit = Number(query['limit'] ?? 50);
    // Each broker's first rows; the page is a part of their sum.
    const asked = { ...query, offset: 0, limit: offset + limit };
    const ends = this.nodes.map((node) =>
      node.watch(
        asked,
        (frame) => {
          latest.set(node.name, frame);
          if (latest.size < this.nodes.length) return;
          onFrame(mergeFrames(latest, query));
        },
        (state) => {
          states.set(node.name, state);
          onState([...states.values()].find((one) => one !== 'live') ?? 'live');
        },
      ),
    );
    return () => {
      for (const end of ends) end();
    };
  }

  /**
   * @param {string} [topic]
   * @param {string} [channel]
   */
  async history(topic, channel) {
    return mergeHistories(
      await Promise.all(this.nodes.map((node) => node.history(topic, channel))),
    );
  }

  /**
   * @param {string} path
   * @param {Query} [query]
   */
  get(path, query) {
    return this.send('GET', path, query);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Query} [query]
   * @param {BodyInit} [body]
   */
  async send(method, path, query, body) {
    const answers = await Promise.allSettled(
      this.nodes.map((node) => node.send(method, path, query, body)),
    );
    const taken = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    // A topic need not be on every broker.
    if (taken.length > 0) return taken;
    throw answers.find((answer) => answer.status === 'rejected')?.reason;
  }
}

/**
 * A URL with a query.
 * @param {URL} base
 * @param {string} path
 * @param {Query} query
 */
export function urlOf(base, path, query) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '' && value !== false) {
      url.searchParams.set(name, value === true ? '1' : String(value));
    }
  }
  return url;
}

/**
 * Sends a request. Throws the refusal.
 * @param {string} method
 * @param {URL} url
 * @param {BodyInit} [body]
 * @returns {Promise<Answer>}
 */
export async function ask(method, url, body) {
  const response = await fetch(url, { method, body: body ?? null, cache: 'no-store' });
  const text = await response.text();
  if (!response.ok) throw refusedOf(response, text);
  return { status: response.status, text };
}

/** The nodes that the page shows. Stores the user's roles. */
export async function loadNodes() {
  const response = await fetch('nodes', { cache: 'no-store' });
  /** @type {{ nodes: { base: string, name?: string }[], roles?: string[] }} */
  const { nodes, roles } = await response.json();
  setRoles(roles);
  return nodes.map(({ base, name }) => new BrokerNode(base, name ?? ''));
}

/** A stream of frames. It is closed while the page is hidden, and opened again when it is lost. */
export class Watch {
  /** @type {EventSource | null} */
  #source = null;
  #retry = 0;
  #isClosed = false;
  /** @type {URL} */
  #url;
  #onFrame;
  #onState;

  /**
   * @param {URL} url
   * @param {(frame: Frame) => void} onFrame
   * @param {(state: string) => void} onState
   */
  constructor(url, onFrame, onState) {
    this.#url = url;
    this.#onFrame = onFrame;
    this.#onState = onState;
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#onVisibility();
  }

  close() {
    this.#isClosed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#stop();
  }

  #onVisibility = () => {
    if (document.hidden) {
      this.#stop();
      this.#onState('paused');
    } else if (this.#source === null) this.#open();
  };

  #open() {
    const source = new EventSource(this.#url);
    this.#source = source;
    source.addEventListener('frame', ({ data }) => {
      this.#onState('live');
      this.#onFrame(JSON.parse(data));
    });
    source.addEventListener('refused', ({ data }) => this.#again(JSON.parse(data)));
    source.addEventListener('error', () => {
      this.#again(source.readyState === EventSource.CLOSED ? 'refused' : 'lost');
    });
  }

  /**
   * @param {string} why
   */
  #again(why) {
    this.#stop();
    this.#onState(why);
    this.#retry = setTimeout(() => {
      if (!this.#isClosed && !document.hidden && this.#source === null) this.#open();
    }, RETRY_MS);
  }

  #stop() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }
}

/**
 * @param {Response} response
 * @param {string} text
 */
function refusedOf({ status, statusText }, text) {
  try {
    const { message, reason = '', done } = JSON.parse(text);
    if (typeof message === 'string') return new Refused(status, message, reason, done);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new Refused(status, text.slice(0, 200) || statusText, '');
}
