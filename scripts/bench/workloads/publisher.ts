/**
 * Publishes over several connections: as fast as a limit on unanswered commands allows, or at a given rate.
 */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { NOP } from '../../../src/protocol/commands.ts';
import { SystemClock } from '../../../src/shared/clock.ts';
import { OpenLoop, runOpenLoop, unansweredMax } from '../open-loop.ts';
import { pause, preparePauses } from '../pacer.ts';
import { Durations } from '../percentiles.ts';
import type { Figures } from '../report/metrics.ts';
import { type CommandRun, type Publication, publishing, publishingRun } from '../wire/commands.ts';
import { type FrameHandler, FrameReader } from '../wire/frame-reader.ts';
import type { Layers, Link } from '../wire/link.ts';
import { connectMany } from '../wire/link.ts';
import type { ProgressCount } from './workload.ts';

/** Most commands in one write of an open loop. */
const BURST_MAX = 256;

export type PublishOrder = Omit<Publication, 'topic'> & {
  /** Connections use them in turn. */
  readonly topics: readonly string[];
  readonly address: HostPort;
  readonly layers: Layers;
  readonly connections: number;
  /** Unanswered commands of one connection; an open loop has its own limit. */
  readonly inFlight: number;
  /** Messages per second, due at fixed times whatever the server does; 0: as fast as possible. */
  readonly rate: number;
  /** Messages in all. The load ends at this number or after `seconds`, whichever comes first; null is no limit. */
  readonly messages: number | null;
  readonly seconds: number | null;
};

export class Publisher {
  /** From sending a command to its answer; at a rate, from when it was due. */
  readonly answers: Durations;

  /** At a rate: how late commands were sent. */
  readonly #late = new Durations();
  readonly #order: PublishOrder;
  readonly #lanes: Lane[] = [];
  readonly #progress: ProgressCount;
  readonly #ended = Promise.withResolvers<void>();
  /** Commands that may still be sent. */
  #left: number;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #sent = 0;
  #answered = 0;
  /** Messages that could not be sent when they came due because too many were unanswered. */
  #heldBack = 0;

  private constructor(order: PublishOrder, progress: ProgressCount, answers: Durations) {
    this.answers = answers;
    this.#order = order;
    this.#progress = progress;
    this.#left =
      order.messages === null ? Number.POSITIVE_INFINITY : Math.ceil(order.messages / order.batch);
    // It is awaited only when everything is connected, and may fail before that.
    this.#ended.promise.catch(() => undefined);
  }

  /** Connects, without publishing. Several publishers may share `answers`. */
  static async open(
    order: PublishOrder,
    progress: ProgressCount,
    answers = new Durations(),
  ): Promise<Publisher> {
    const publisher = new Publisher(order, progress, answers);
    const links = await connectMany(order.connections, order.address, order.layers);
    const wanted = order.rate > 0 ? BURST_MAX : order.inFlight;
    const runs = order.topics.map((topic) => publishingRun({ ...order, topic }, wanted));
    links.forEach((link, index) => {
      const run = runs[index % runs.length];
      publisher.#lanes.push(new Lane(link, run, order.inFlight, publisher));
    });
    if (order.rate > 0) await preparePauses();
    return publisher;
  }

  /** Publishes until the end, and until everything is answered. Resolves with the number of messages. */
  async run(): Promise<number> {
    const startMs = performance.now();
    const { seconds, rate, batch } = this.#order;
    if (seconds !== null) this.#deadlineMs = startMs + seconds * 1000;
    if (rate > 0) await this.#runAtRate(startMs, rate / batch);
    else for (const lane of this.#lanes) lane.fill(startMs);
    this.#endWhenAnswered();
    await this.#ended.promise;
    return this.#sent * batch;
  }

  /** Its figures besides the times of its answers. */
  figures(): Figures {
    const late = this.#late.percentiles();
    return {
      ...(this.#heldBack === 0 ? {} : { heldBack: this.#heldBack }),
      ...(late === null ? {} : { generatorLate: late.p99 }),
    };
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  /** How many of these commands may still be sent; they count as sent. */
  take(wanted: number, nowMs: number): number {
    if (nowMs >= this.#deadlineMs) this.#left = 0;
    const count = Math.min(wanted, this.#left);
    this.#left -= count;
    this.#sent += count;
    return count;
  }

  onAnswered(count: number): void {
    this.#answered += count;
    this.#progress.done = this.#answered * this.#order.batch;
  }

  onFilled(): void {
    this.#endWhenAnswered();
  }

  onFailed(error: Error): void {
    this.#ended.reject(error);
  }

  async #runAtRate(startMs: number, commandRate: number): Promise<void> {
    const { seconds } = this.#order;
    const inTime = seconds === null ? Number.POSITIVE_INFINITY : Math.ceil(seconds * commandRate);
    const loop = new OpenLoop(commandRate, Math.min(this.#left, inTime), startMs);
    const lanes = this.#lanes;
    lanes.forEach((lane, index) => {
      lane.answerTo((answer) => loop.dueMs(index + answer * lanes.length));
    });
    this.#left = loop.total;
    const send = (first: number, count: number, nowMs: number): void => {
      for (let i = 0; i < count; i++) this.#late.add(nowMs - loop.dueMs(first + i));
      this.#left -= count;
      this.#sent += count;
      // in turn, so that a lane derives from the number of an answer which command it belongs to
      for (let i = 0; i < lanes.length && i < count; i++) {
        lanes[(first + i) % lanes.length].send(Math.ceil((count - i) / lanes.length));
      }
    };
    const { topics, batch } = this.#order;
    const bound = unansweredMax(publishing({ ...this.#order, topic: topics[0] }).length);
    const room = (): number => bound - (this.#sent - this.#answered);
    await Promise.race([
      runOpenLoop(loop, new SystemClock(), room, send, pause),
      // the end of the connection ends the loop; nothing else sets this while it runs
      this.#ended.promise,
    ]);
    this.#heldBack = loop.heldBack * batch;
  }

  #endWhenAnswered(): void {
    if (this.#left === 0 && this.#answered === this.#sent) this.#ended.resolve();
  }
}

/** One connection. */
class Lane implements FrameHandler {
  readonly #link: Link;
  readonly #run: CommandRun;
  readonly #publisher: Publisher;
  readonly #inFlight: number;
  /** When each unanswered command was sent, by its number modulo the limit. */
  readonly #sentMs: Float64Array;
  #sent = 0;
  #answered = 0;
  /** When the command of an answer was due; null if its time counts from sending. */
  #dueMs: ((answer: number) => number) | null = null;

  constructor(link: Link, run: CommandRun, inFlight: number, publisher: Publisher) {
    this.#link = link;
    this.#run = run;
    this.#inFlight = inFlight;
    this.#publisher = publisher;
    this.#sentMs = new Float64Array(inFlight);
    const reader = new FrameReader(this);
    link.listen({
      onBytes: (chunk, end) => reader.take(chunk, end),
      onGone: (error) => publisher.onFailed(error),
    });
  }

  answerTo(dueMs: (answer: number) => number): void {
    this.#dueMs = dueMs;
  }

  /** Sends as many commands as may be unanswered. */
  fill(nowMs: number): void {
    const count = this.#publisher.take(this.#inFlight - (this.#sent - this.#answered), nowMs);
    for (let i = 0; i < count; i++) this.#sentMs[(this.#sent + i) % this.#inFlight] = nowMs;
    this.#sent += count;
    this.send(count);
  }

  send(count: number): void {
    for (let rest = count; rest > 0; rest -= this.#run.max) {
      this.#link.send(this.#run.of(Math.min(rest, this.#run.max)));
    }
  }

  close(): void {
    this.#link.close();
  }

  onOk(count: number): void {
    const nowMs = performance.now();
    const { answers } = this.#publisher;
    for (let i = 0; i < count; i++) {
      const answer = this.#answered + i;
      const sinceMs =
        this.#dueMs === null ? this.#sentMs[answer % this.#inFlight] : this.#dueMs(answer);
      answers.add(nowMs - sinceMs);
    }
    this.#answered += count;
    this.#publisher.onAnswered(count);
    if (this.#dueMs === null) this.fill(nowMs);
    this.#publisher.onFilled();
  }

  onMessage(): void {
    this.#publisher.onFailed(new Error('a publisher was sent a message'));
  }

  onHeartbeat(): void {
    this.#link.send(NOP);
  }

  onError(text: string): void {
    this.#publisher.onFailed(new Error(`publishing: the server says ${text}`));
  }
}
