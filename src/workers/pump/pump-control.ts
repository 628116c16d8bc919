/**
 * Executes main's control requests on a pump thread.
 *
 * Thread: pump.
 */

import { assert, assertNever } from '../../shared/assert.ts';
import {
  type ControlRequest,
  decodeControl,
  type PumpCounts,
  type SeenOfTopic,
} from '../../shared/control.ts';
import { CONSUMER_WINDOW_BYTES } from '../../shared/limits.ts';
import type { DiskLink } from './backend/disk-link.ts';
import type { SharedPolicies } from './backend/shared-policies.ts';
import type { Channel } from './channel.ts';
import { Consumer } from './consumer.ts';
import type { Outbox } from './outbox.ts';
import type { PumpState } from './pump-state.ts';
import type { PumpStats } from './pump-stats.ts';
import { runSurvey } from './survey/survey-run.ts';
import type { Topic } from './topic.ts';
import { TopicDeletions } from './topic-deletions.ts';

/** Channels whose latencies are read in one turn: about a millisecond's work. */
const LATENCIES_PER_TURN = 64;
/** A request for a part of the statistics is shorter than this; pieces of a longer request are longer. */
const STATS_REQUEST_BYTES_MAX = 2048;

type SurveyRequest = Extract<ControlRequest, { do: 'survey' }>;
type PauseChannel = Extract<ControlRequest, { do: 'pauseChannel' }>;
type Reply = (error: string | null) => void;

/** A request to close. Units: `nowMs`, when it came, in ms, monotonic. */
type Closing = {
  readonly token: number;
  readonly topics: readonly Topic[];
  readonly nowMs: number;
  error: string | null;
  links: DiskLink[];
};

export class PumpControl {
  /** Whether the loop has sent its last reply. */
  isClosed = false;

  readonly #state: PumpState;
  readonly #outbox: Outbox;
  readonly #links: readonly DiskLink[];
  readonly #stats: PumpStats;
  readonly #policies: SharedPolicies | null;
  readonly #deletions: TopicDeletions;
  /** Earlier pieces of an incomplete request. */
  #pieces: Buffer[] = [];
  /** Requests for statistics whose counters are not complete yet. */
  readonly #counting: { readonly token: number; readonly work: Iterator<void, PumpCounts> }[] = [];
  /** Tokens of requests that wait for all disk queues to settle. */
  #settling: number[] = [];
  /** The token of the request to close, and the error so far; null unless it is closing. */
  #closing: Closing | null = null;

  /** `policies`: null without a store of replicated topics. */
  constructor(
    state: PumpState,
    outbox: Outbox,
    links: readonly DiskLink[],
    stats: PumpStats,
    policies: SharedPolicies | null,
  ) {
    this.#state = state;
    this.#outbox = outbox;
    this.#links = links;
    this.#stats = stats;
    this.#policies = policies;
    this.#deletions = new TopicDeletions(state);
  }

  /** Whether a request asks for statistics, which changes nothing. `piece`: as for `take`. */
  isForStatistics(piece: Buffer): boolean {
    if (piece.length > STATS_REQUEST_BYTES_MAX || this.#pieces.length > 0) return false;
    return decodeControl<ControlRequest>(piece).do === 'stats';
  }

  /** Handles a request, or a piece of one, from the ring. Units: `nowMs` in ms, monotonic. */
  take(piece: Buffer, token: number, hasMore: boolean, nowMs: number): void {
    if (hasMore) {
      this.#pieces.push(Buffer.from(piece));
      return;
    }
    const bytes = this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece]);
    this.#pieces = [];
    this.#carryOut(decodeControl<ControlRequest>(bytes), token, nowMs);
  }

  /** Continues what takes several turns, answers requests that wait for the disks, and returns how much was done. */
  step(): number {
    const work = this.#deletions.step() + this.#count();
    if (this.#settling.length > 0 && this.#isSettled()) {
      for (const token of this.#settling) this.#outbox.reply(token, { error: null });
      this.#settling = [];
    }
    if (this.#closing !== null && !this.isClosed && this.#state.backends.size === 0) this.#end();
    return work;
  }

  #carryOut(request: ControlRequest, token: number, nowMs: number): void {
    const reply: Reply = (error) => this.#outbox.reply(token, { error });
    const state = this.#state;
    switch (request.do) {
      case 'createTopic':
        this.#deletions.finish(request.name);
        state.addTopic(
          request.topic,
          request.name,
          request.isPaused,
          request.isStarted,
          request.isReplicated,
          request.policy,
        );
        reply(null);
        return;
      case 'reportTimeouts':
        state.reportsTimeouts = request.isWanted;
        reply(null);
        return;
      case 'startTopic': {
        const topic = this.#topic(request.topic);
        topic.isStarted = true;
        state.activateTopic(topic);
        reply(null);
        return;
      }
      case 'createChannel':
        state.addChannel(
          this.#topic(request.topic),
          request.channel,
          request.name,
          request.isPaused,
          request.policy,
          nowMs,
        );
        reply(null);
        return;
      case 'startChannel': {
        const { replicated } = this.#topic(request.topic).queue.backend;
        if (replicated === null) reply('the topic is not replicated');
        else replicated.startChannel({ channel: request.channel, start: request.start }, reply);
        return;
      }
      case 'whenStored': {
        const { topic, channel } = request;
        const { queue } = channel === 0 ? this.#topic(topic) : this.#channel(channel);
        const { replicated } = queue.backend;
        if (replicated === null) reply(null);
        else replicated.whenStored(reply);
        return;
      }
      case 'sharePolicy':
        assert(this.#policies !== null, 'policies are shared where there is a store');
        this.#policies.share({ name: request.name, text: request.text }, reply);
        return;
      case 'setTopicPolicy':
        for (const number of request.topics) {
          state.setTopicPolicy(this.#topic(number), request.policy);
        }
        reply(null);
        return;
      case 'setChannelPolicy':
        for (const number of request.channels) {
          state.setChannelPolicy(this.#channel(number), request.policy, nowMs);
        }
        reply(null);
        return;
      case 'restoreSeen':
        this.#topic(request.topic).deduplication?.restore(request.seen);
        reply(null);
        return;
      case 'pauseTopic': {
        const topic = this.#topic(request.topic);
        topic.isPaused = request.isPaused;
        if (request.isTold) topic.queue.backend.replicated?.setPaused(request.isPaused);
        state.activateTopic(topic);
        for (const channel of topic.channels.values()) {
          if (request.isPaused) channel.queue.backend.replicated?.rest();
          else if (topic.replication !== null) channel.onReadable();
        }
        reply(null);
        return;
      }
      case 'pauseChannel':
        this.#pauseChannel(this.#channel(request.channel), request);
        reply(null);
        return;
      case 'emptyTopic':
        this.#topic(request.topic).empty(reply);
        return;
      case 'emptyChannel':
        this.#channel(request.channel).empty(reply);
        return;
      case 'deleteTopic':
        this.#deletions.add(this.#topic(request.topic), reply);
        return;
      case 'deleteChannel':
        this.#deleteChannel(this.#topic(request.topic), this.#channel(request.channel), reply);
        return;
      case 'subscribe': {
        const channel = this.#channel(request.channel);
        state.addConsumer(channel, consumerOf(request));
        reply(null);
        return;
      }
      case 'stopConsumer': {
        const consumer = state.consumer(request.consumer);
        if (consumer !== undefined) consumer.isClosing = true;
        reply(null);
        return;
      }
      case 'unsubscribe': {
        const consumer = state.consumer(request.consumer);
        if (consumer !== undefined) state.removeConsumer(consumer);
        reply(null);
        return;
      }
      case 'stats':
        this.#counting.push({ token, work: this.#stats.of(request, state) });
        if (this.#counting.length === 1) this.#count();
        return;
      case 'survey':
        this.#survey(request, token);
        return;
      case 'settle':
        this.#settling.push(token);
        return;
      case 'close':
        this.#close(token, nowMs);
        return;
      default:
        assertNever(request);
    }
  }

  /** Main may not know yet that the loop is closing. */
  #survey({ topic, channel: number, survey }: SurveyRequest, token: number): void {
    const state = this.#state;
    const channel = number === 0 ? null : this.#state.channels.get(number);
    const queue = (channel ?? state.topics.get(topic))?.queue;
    if (queue === undefined || channel === undefined) {
      this.#outbox.reply(token, { error: null });
      return;
    }
    runSurvey(survey, state, { queue, channel }, (error, result) => {
      this.#outbox.reply(token, { error, survey: result });
    });
  }

  #topic(number: number): Topic {
    const topic = this.#state.topics.get(number);
    assert(topic !== undefined, 'main names only topics that exist');
    return topic;
  }

  #channel(number: number): Channel {
    const channel = this.#state.channels.get(number);
    assert(channel !== undefined, 'main names only channels that exist');
    return channel;
  }

  #pauseChannel(channel: Channel, { isPaused, isTold }: PauseChannel): void {
    channel.pause(isPaused);
    if (isPaused) channel.queue.backend.replicated?.rest();
    if (isTold) channel.queue.backend.replicated?.setPaused(isPaused);
  }

  #deleteChannel(topic: Topic, channel: Channel, done: Reply): void {
    this.#state.removeChannel(topic, channel);
    channel.delete(done);
  }

  /** Continues with statistics, one request after the other. Returns how many steps it took. */
  #count(): number {
    let steps = 0;
    while (this.#counting.length > 0 && steps < LATENCIES_PER_TURN) {
      const { token, work } = this.#counting[0];
      const step = work.next();
      steps++;
      if (step.done !== true) continue;
      this.#counting.shift();
      this.#outbox.reply(token, { error: null, counts: step.value });
    }
    return steps;
  }

  #isSettled(): boolean {
    if (this.#deletions.isPending) return false;
    for (const backend of this.#state.backends) if (!backend.isSettled) return false;
    return true;
  }

  /** Closes every topic in nsqd's order: first its channels, then the topic. */
  #close(token: number, nowMs: number): void {
    const topics = [...this.#state.topics.values()];
    const closing: Closing = { token, topics, nowMs, error: null, links: [...this.#links] };
    this.#closing = closing;
    this.#deletions.finish();
    const onClosed = (error: string | null): void => {
      if (error !== null) closing.error = error;
    };
    for (const topic of topics) {
      topic.finishFanOut();
      for (const channel of topic.channels.values()) channel.close(onClosed);
      topic.close(onClosed);
    }
    this.#state.topics.clear();
    this.#state.channels.clear();
    this.#state.consumers.clear();
  }

  /** After all queues are closed, ends the disk threads and then this loop. */
  #end(): void {
    const closing = this.#closing;
    assert(closing !== null, 'the loop ends when it was told to close');
    if (this.#counting.length > 0) return;
    while (closing.links.length > 0) {
      const link = closing.links[0];
      if (!link.end()) return;
      closing.links.shift();
    }
    const { token, error } = closing;
    const seen = seenOf(closing);
    this.#outbox.reply(token, seen.length === 0 ? { error } : { error, seen });
    this.isClosed = true;
  }
}

/** What topics have seen. It is read when all writes are done, because a message whose write failed was not seen. */
function seenOf({ topics, nowMs }: Closing): SeenOfTopic[] {
  return topics.flatMap(({ name, deduplication }) =>
    deduplication === null || deduplication.size === 0
      ? []
      : [{ topic: name, seen: deduplication.save(nowMs) }],
  );
}

function consumerOf(request: Extract<ControlRequest, { do: 'subscribe' }>): Consumer {
  const { consumer, channel, msgTimeoutMs, sampleRate, locality } = request;
  const window = CONSUMER_WINDOW_BYTES;
  return new Consumer(consumer, channel, msgTimeoutMs, sampleRate, window, locality);
}
