/**
 * Lists, finishes, requeues, touches and moves messages of a topic or channel, for operators. It requests one bounded
 * slice after another from the pump.
 *
 * A move first publishes to the other topic, in its files, and then finishes the messages here. If the broker crashes
 * in between, or a consumer takes a message meanwhile, the message is in both topics.
 *
 * Bound: `SLICES_MAX` slices for each call except a search by id, which ends with the messages or with its caller; one
 * slice of messages in memory for each call.
 * Thread: main.
 */

import { rethrowBug } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import {
  FIRST_CURSOR,
  type ListedMessage,
  type MessageFilter,
  type MessageWork,
  type Survey,
  type SurveyCursor,
  type SurveyResult,
} from '../../shared/message-survey.ts';
import type { TopicName } from '../../shared/names.ts';
import type { Publisher } from './publisher.ts';
import { cursorText, parseCursor } from './survey-cursor.ts';
import type { ChannelHandle, TopicHandle, TopicMap } from './topic-map.ts';

/** Slices of a call that may be repeated with its cursor. */
const SLICES_MAX = 64;
/** Slices that are searched for moved messages: the one that listed them, and what was put before them since. */
const LISTED_SLICES = 2;
/** Slices that are searched in memory: more than one read of the files can fill. */
const MOVED_SLICES = 4;
/** Messages of one slice. */
const SLICE_COUNT = 256;
/** A message on its way to a file is usually there by then. */
const BUSY_DELAY_MS = 20;
const BUSY_TRIES = 50;

/** The identity of the consumer that has a message. */
export type HoldingConsumer = {
  readonly remoteAddress: string;
  readonly settings: { readonly clientId: string; readonly hostname: string };
};

/** A listed message; `holder` is null unless a connected consumer has it. */
export type OperatorMessage = ListedMessage & { readonly holder: HoldingConsumer | null };

/** Which messages of which topic or channel. `channel` is null for those that wait in the topic itself. */
export type MessageRequest = {
  readonly topic: string;
  readonly channel: string | null;
  readonly filter: MessageFilter;
  readonly cursor: string | null;
  readonly limit: number;
};

type MessagePage = {
  readonly messages: readonly OperatorMessage[];
  /** Null at the end. */
  readonly cursor: string | null;
};

/** Units: `count` in messages. */
export type WorkOutcome = {
  readonly count: number;
  /** Sought ids that were not found. */
  readonly notFound: readonly string[];
  readonly cursor: string | null;
  /** Why a move has stopped, or null. */
  readonly failure: string | null;
};

/** The cursor belongs to another topic or channel, or to an earlier start of the broker. */
export class InvalidCursor extends Error {}
/** The topic or channel is gone. */
export class TargetGone extends Error {}

type MessageOperationsParts = {
  readonly startTimeMs: number;
  readonly topics: Pick<TopicMap, 'get' | 'getOrCreate'>;
  readonly publisher: Pick<Publisher, 'publishToDisk'>;
  readonly client: (number: number) => HoldingConsumer | undefined;
  readonly clock: Pick<Clock, 'after'>;
};

/** The topic or channel of a request. */
type Target = { readonly topic: TopicHandle; readonly channel: ChannelHandle | null };

export class MessageOperations {
  readonly #parts: MessageOperationsParts;

  constructor(parts: MessageOperationsParts) {
    this.#parts = parts;
  }

  /**
   * Lists messages. A page may be shorter than `limit` although more follow. Units: `bodyMax` in bytes. Errors: rejects
   * with `InvalidCursor`, `TargetGone`, or the reason why files cannot be read; the other methods do the same.
   */
  async list(request: MessageRequest, bodyMax: number): Promise<MessagePage> {
    const messages: OperatorMessage[] = [];
    const run = new MessageRun(this.#parts, this.#target(request), request);
    for (let slice = 0; slice < SLICES_MAX && !run.isOver; slice++) {
      const result = await run.next('list', 0, bodyMax);
      for (const message of result.messages) {
        const holder = this.#parts.client(message.consumer) ?? null;
        messages.push({ ...message, holder });
      }
    }
    return { messages, cursor: run.cursorText };
  }

  /** Finds one message, with its whole body. `isWanted` tells whether the caller still waits. */
  async find(
    topic: string,
    channel: string | null,
    id: string,
    isWanted: () => boolean,
  ): Promise<OperatorMessage | undefined> {
    const filter: MessageFilter = {
      states: ['ready', 'deferred', 'in-flight'],
      ids: [id],
      sinceMs: 0,
      match: null,
    };
    const request: MessageRequest = { topic, channel, filter, cursor: null, limit: 1 };
    const run = new MessageRun(this.#parts, this.#target(request), request);
    while (!run.isOver && isWanted()) {
      const { messages } = await run.next('list', 0, Number.MAX_SAFE_INTEGER);
      for (const message of messages) {
        return { ...message, holder: this.#parts.client(message.consumer) ?? null };
      }
    }
    return undefined;
  }

  /** Finishes, requeues or touches messages. Units: `delayMs` in ms, only for requeue. */
  async work(
    request: MessageRequest,
    work: Exclude<MessageWork, 'list'>,
    delayMs: number,
    isWanted: () => boolean,
  ): Promise<WorkOutcome> {
    const isBounded = request.filter.ids === null;
    const run = new MessageRun(this.#parts, this.#target(request), request, isBounded);
    for (let slice = 0; !run.isOver && isWanted(); slice++) {
      if (isBounded && slice === SLICES_MAX) break;
      await run.next(work, delayMs, 0);
    }
    return run.outcome(null);
  }

  /** Moves messages to another topic, which is created if it does not exist. */
  async move(
    request: MessageRequest,
    to: TopicName,
    isWanted: () => boolean,
  ): Promise<WorkOutcome> {
    const target = this.#target(request);
    const run = new MessageRun(this.#parts, target, request, true);
    const isBounded = request.filter.ids === null;
    for (let slice = 0; !run.isOver && isWanted(); slice++) {
      if (isBounded && slice === SLICES_MAX) break;
      const before = run.cursor ?? FIRST_CURSOR;
      const { messages } = await run.next('list', 0, Number.MAX_SAFE_INTEGER);
      if (messages.length === 0) continue;
      const failure = await this.#publish(to, messages);
      if (failure !== null) {
        run.undo(before, messages);
        return run.outcome(failure);
      }
      await this.#finishMoved(target, request, before, messages);
    }
    return run.outcome(null);
  }

  /** Resolves with why the messages are not in the other topic, or null. */
  async #publish(to: TopicName, messages: readonly ListedMessage[]): Promise<string | null> {
    const { topics, publisher } = this.#parts;
    const bodies = Buffer.concat(messages.flatMap(({ body }) => [sizeField(body), body]));
    try {
      await publisher.publishToDisk(topics.getOrCreate(to), bodies, messages.length);
      return null;
    } catch (error) {
      rethrowBug(error);
      return errorText(error);
    }
  }

  /**
   * Finishes the messages that the other topic now has: at their old place, in memory if they were read meanwhile, or
   * in flight with a consumer. A message that is in none of these places was finished by a consumer.
   */
  async #finishMoved(
    target: Target,
    request: MessageRequest,
    from: SurveyCursor,
    messages: readonly ListedMessage[],
  ): Promise<void> {
    const ids = messages.map(({ id }) => id);
    const filter: MessageFilter = { ...request.filter, ids };
    const run = new MessageRun(
      this.#parts,
      target,
      { ...request, filter, limit: ids.length },
      true,
    );
    run.goTo(from);
    for (let slice = 0; slice < LISTED_SLICES && !run.isOver; slice++) {
      await run.next('finish', 0, 0);
    }
    if (run.notFound.length === 0) return;
    const taken: MessageFilter = {
      ...filter,
      ids: run.notFound,
      states: [...filter.states, 'in-flight'],
    };
    const last = new MessageRun(this.#parts, target, {
      ...request,
      filter: taken,
      limit: ids.length,
    });
    last.goTo(FIRST_CURSOR);
    for (let slice = 0; slice < MOVED_SLICES && !last.isOver; slice++) {
      await last.next('finish', 0, 0);
    }
  }

  #target({ topic: topicName, channel: channelName }: MessageRequest): Target {
    const topic = this.#parts.topics.get(topicName);
    if (topic === undefined) throw new TargetGone(`topic ${topicName} does not exist`);
    if (channelName === null) return { topic, channel: null };
    const channel = topic.channels.get(channelName);
    if (channel === undefined) throw new TargetGone(`channel ${channelName} does not exist`);
    return { topic, channel };
  }
}

/** The slices of one call. */
class MessageRun {
  /** Where the next slice begins; null at the end. */
  cursor: SurveyCursor | null;

  readonly #parts: MessageOperationsParts;
  readonly #target: Target;
  readonly #owner: { startTimeMs: number; topic: number; channel: number };
  readonly #filter: MessageFilter;
  readonly #isFilesFirst: boolean;
  readonly #sought: Set<string> | null;
  #left: number;
  #count = 0;
  #busyTries = 0;

  constructor(
    parts: MessageOperationsParts,
    target: Target,
    request: MessageRequest,
    isFilesFirst = false,
  ) {
    this.#parts = parts;
    this.#isFilesFirst = isFilesFirst;
    this.#target = target;
    this.#owner = {
      startTimeMs: parts.startTimeMs,
      topic: target.topic.number,
      channel: target.channel?.number ?? 0,
    };
    this.#filter = request.filter;
    this.#sought = request.filter.ids === null ? null : new Set(request.filter.ids);
    this.#left = request.limit;
    const { cursor } = request;
    const parsed = cursor === null ? FIRST_CURSOR : parseCursor(this.#owner, cursor);
    if (parsed === undefined) throw new InvalidCursor('the cursor is not of this listing');
    this.cursor = parsed;
  }

  /** Whether the end, the limit or the last of the sought messages is reached. */
  get isOver(): boolean {
    return this.cursor === null || this.#left <= 0 || this.#sought?.size === 0;
  }

  get cursorText(): string | null {
    return this.cursor === null ? null : cursorText(this.#owner, this.cursor);
  }

  get notFound(): string[] {
    return [...(this.#sought ?? [])];
  }

  outcome(failure: string | null): WorkOutcome {
    const { notFound } = this;
    const cursor = this.#sought === null ? this.cursorText : null;
    return { count: this.#count, notFound, cursor, failure };
  }

  goTo(cursor: SurveyCursor): void {
    this.cursor = cursor;
  }

  /** The messages of the last slice stay. */
  undo(cursor: SurveyCursor, messages: readonly ListedMessage[]): void {
    this.cursor = cursor;
    this.#count -= messages.length;
    for (const { id } of messages) this.#sought?.add(id);
  }

  async next(work: MessageWork, delayMs: number, bodyMax: number): Promise<SurveyResult> {
    const start = this.cursor ?? FIRST_CURSOR;
    const result = await this.#ask({
      filter: { ...this.#filter, ids: this.#sought === null ? null : this.notFound },
      ...{ work, delayMs, cursor: start, bodyMax, isFilesFirst: this.#isFilesFirst },
      countMax: Math.min(this.#left, SLICE_COUNT),
    });
    const ids = work === 'list' ? result.messages.map(({ id }) => id) : result.done;
    this.#left -= ids.length;
    this.#count += ids.length;
    for (const id of ids) this.#sought?.delete(id);
    if (result.busyCount > 0 && this.#busyTries < BUSY_TRIES) {
      this.#busyTries++;
      await new Promise<void>((resolve) => this.#parts.clock.after(BUSY_DELAY_MS, resolve));
    } else this.cursor = result.cursor;
    return result;
  }

  async #ask(survey: Survey): Promise<SurveyResult> {
    const { topic, channel } = this.#target;
    const isThere =
      this.#parts.topics.get(topic.name) === topic &&
      (channel === null || topic.channels.get(channel.name) === channel);
    if (!isThere) throw new TargetGone('it was deleted meanwhile');
    const reply = await topic.pump.request({
      do: 'survey',
      topic: topic.number,
      channel: channel?.number ?? 0,
      survey,
    });
    if (reply.error !== null) throw new Error(reply.error);
    if (reply.survey === undefined) throw new TargetGone('the broker exits');
    return reply.survey;
  }
}

function sizeField(body: Uint8Array): Buffer {
  const size = Buffer.allocUnsafe(SIZE_BYTES);
  size.writeUInt32BE(body.length);
  return size;
}
