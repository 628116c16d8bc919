/** The messages of a topic or a channel on one broker: lists, searches, and actions. */

/**
 * @typedef {import('./types.d.ts').Message} Message
 * @typedef {import('./types.d.ts').MessageFilter} MessageFilter
 * @typedef {import('./types.d.ts').Query} Query
 * @typedef {import('./types.d.ts').Target} Target
 */

/** Bytes of each body that a list shows. */
const BEGINNING_BYTES = 120;

/** The requests for one topic or channel. */
export class MessageQueue {
  /**
   * @param {Target} target
   * @param {string} topic
   * @param {string} [channel] without it: what waits in the topic itself
   */
  constructor(target, topic, channel) {
    this.nodes = target.nodes;
    /** The broker that is asked: cursors and ids are its own. */
    this.node = target.nodes[0];
    this.topic = topic;
    this.channel = channel;
    /** The text to type as confirmation. */
    this.name = channel ?? topic;
  }

  /**
   * A page; it may be empty although a cursor says that more follow.
   * @param {MessageFilter} filter
   * @param {string | null} cursor
   * @param {number} limit
   * @returns {Promise<{ messages: Message[], cursor: string | null }>}
   */
  list(filter, cursor, limit) {
    const query = { ...this.#query(), ...filter, limit, 'body-max': BEGINNING_BYTES };
    return this.#ask('GET', 'messages', { ...query, cursor: cursor ?? '' });
  }

  /**
   * A message with its whole body.
   * @param {string} id
   * @returns {Promise<Message>}
   */
  find(id) {
    return this.#ask('GET', 'message', { ...this.#query(), id });
  }

  /**
   * Changes one message.
   * @param {'finish' | 'requeue' | 'touch'} work
   * @param {string} id
   * @param {string} [delay] in ms
   */
  async workOnOne(work, id, delay = '') {
    await this.#ask('POST', `message/${work}`, { ...this.#query(), id, delay });
  }

  /**
   * Moves one message.
   * @param {string} id
   * @param {string} to the topic
   */
  async moveOne(id, to) {
    await this.#ask('POST', 'messages/move', { from: this.#source(), to, id });
  }

  /**
   * Changes the messages that a filter selects, as many as one request allows.
   * @param {import('./types.d.ts').ManyWork} work
   * @param {MessageFilter} filter
   * @param {Query} more
   * @param {string | null} cursor
   * @returns {Promise<{ done: number, cursor: string | null }>}
   */
  workOnMany(work, filter, more, cursor) {
    const where = work === 'messages/move' ? { from: this.#source() } : this.#query();
    const all =
      filter.state === '' && filter.match === '' && work !== 'messages/move' ? 'true' : '';
    return this.#ask('POST', work, { ...where, ...filter, ...more, all, cursor: cursor ?? '' });
  }

  #source() {
    return [this.topic, this.channel].filter(Boolean).join(':');
  }

  /** @returns {Query} */
  #query() {
    return { topic: this.topic, channel: this.channel };
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Query} query
   */
  async #ask(method, path, query) {
    const [{ text }] = await this.node.send(method, path, query);
    return JSON.parse(text);
  }
}
