/**
 * One node of the fleet, as it was when it last answered.
 *
 * An answer with the same bytes as the one before is not read again: most of a large fleet is idle.
 *
 * Thread: main.
 */

import { hash } from 'node:crypto';
import { parseJson } from '../../../daemon/go/json.ts';
import { LiveRows, type LiveSnapshot } from '../../../daemon/page/live-rows.ts';
import { httpAddress, type Producer } from '../producers.ts';
import { membersOf, numberOf, textOf } from '../upstream-values.ts';
import { type NodeTopic, nodeTopicsOf } from './node-topics.ts';

/** The data of a node. Units: `startTimeMs` in Unix ms. */
type NodeState = {
  readonly live: LiveSnapshot;
  readonly topics: readonly NodeTopic[];
  /** `OK`, or what is wrong. */
  readonly health: string;
  readonly startTimeMs: number;
};

const MS_PER_SECOND = 1000;

export class FleetNode {
  /** `<broadcast address>:<HTTP port>`. */
  readonly address: string;
  producer: Producer;
  /** Null until it answers. */
  state: NodeState | null = null;
  /** Why it did not answer the last time; null if it did. */
  error: string | null = null;
  /** Whether it is being asked. */
  isPending = false;
  /** Whether it has a page of its own, as RingMQ has; null if that is not known yet. */
  hasPage: boolean | null = null;

  readonly #rows = new LiveRows();
  #digest = '';
  /** Whether its rates are known to be zero. */
  #isStill = false;

  constructor(producer: Producer) {
    this.producer = producer;
    this.address = httpAddress(producer);
  }

  /**
   * Takes an answer. Returns whether it contains anything new.
   * Units: `nowMs` is monotonic.
   * Errors: rejects if it is not JSON; then nothing has changed.
   */
  async take(bytes: Buffer, nowMs: number): Promise<boolean> {
    const digest = hash('sha1', bytes);
    const known = digest === this.#digest ? this.state : null;
    const hadError = this.error !== null;
    if (known !== null && this.#isStill) {
      this.#rows.rest(nowMs);
      this.error = null;
      return hadError;
    }
    const said = known ?? read(bytes);
    const live = await this.#rows.take(said.topics, nowMs);
    this.state = { ...said, live };
    this.error = null;
    this.#digest = digest;
    this.#isStill = known !== null;
    return true;
  }

  /** It has not answered: its counts stay, its rates are unknown. Returns whether the reason is new. */
  fail(why: string): boolean {
    const isNew = this.error !== why;
    if (this.error === null && this.state !== null) {
      const { topics, channels, totals } = this.state.live;
      const live = {
        topics: topics.map(withoutRates),
        channels: channels.map(withoutRates),
        totals: withoutRates(totals),
      };
      this.state = { ...this.state, live };
      this.#rows.reset();
      this.#digest = '';
    }
    this.error = why;
    return isNew;
  }

  topic(name: string): NodeTopic | undefined {
    return this.state?.topics.find((topic) => topic.name === name);
  }
}

function read(bytes: Buffer): Omit<NodeState, 'live'> {
  const answer = parseJson(bytes.toString());
  if (answer === undefined) throw new Error('invalid JSON in the answer');
  const members = membersOf(answer);
  return {
    topics: nodeTopicsOf(members),
    health: textOf(members['health']),
    startTimeMs: numberOf(members['start_time']) * MS_PER_SECOND,
  };
}

function withoutRates<T extends { in: number | null; out: number | null }>(row: T): T {
  return { ...row, in: null, out: null };
}
