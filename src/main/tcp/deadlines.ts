/**
 * The deadlines of TCP connections: one timer for all of them, and what each connection waits for.
 *
 * Thread: main.
 */

import type { Guard, Sender } from '../../daemon/guard.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { TimingWheel } from '../../shared/timing-wheel.ts';
import type { SocketOutput } from './socket-output.ts';

/**
 * Deadlines of main's connections, with one timer for all of them.
 *
 * Units: ms of the clock's monotonic time.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #wheel: TimingWheel;
  readonly #callbacks: ((() => void) | null)[] = [];
  readonly #freeEntries: number[] = [];
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wheel = new TimingWheel(clock.monotonicMs());
  }

  /** Reserves an entry with this callback. */
  add(callback: () => void): number {
    const entry = this.#freeEntries.pop() ?? this.#callbacks.length;
    this.#callbacks[entry] = callback;
    return entry;
  }

  /** Sets or replaces an entry's deadline. */
  schedule(entry: number, deadlineMs: number): void {
    this.#wheel.schedule(entry, deadlineMs);
    if (deadlineMs < this.#timerMs) this.#startTimer();
  }

  /** Removes an entry's deadline. */
  cancel(entry: number): void {
    if (this.#wheel.isScheduled(entry)) this.#wheel.cancel(entry);
  }

  /** Frees an entry. */
  remove(entry: number): void {
    this.cancel(entry);
    this.#callbacks[entry] = null;
    this.#freeEntries.push(entry);
  }

  #startTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerMs = this.#wheel.nextDeadlineMs();
    if (this.#timerMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, this.#timerMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.after(delayMs, () => this.#fire());
    this.#timer.unref();
  }

  #fire(): void {
    const count = this.#wheel.expire(this.#clock.monotonicMs());
    const due = this.#wheel.expired.slice(0, count);
    for (const entry of due) this.#callbacks[entry]?.();
    this.#startTimer();
  }
}

/** How long a closing connection may make no progress before it is reset. */
const LINGER_MS = 2000;
/** How soon to check again if the client is not the reason that no command is handled. */
const POSTPONED_MS = 1000;

/** The dependencies of a connection's deadlines. */
type DeadlinesSetup = {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly guard: Guard;
};

/** The connection that is watched. */
export interface WatchedConnection extends Sender {
  /** Whether it handles commands: not while a pump has no room or its output is backed up. */
  readonly isReading: boolean;
  readonly hasPendingResponses: boolean;
  onHeartbeat(): void;
  onReadTimeout(): void;
  onWriteTimeout(): void;
  onLingerTimeout(): void;
}

/**
 * Sends heartbeats, and closes a connection whose client sends no commands, does not read its output, or does not
 * close its side.
 *
 * Nothing runs before the magic. Heartbeats keep the interval of the first IDENTIFY; the read deadline follows every
 * one. A command does not move the deadline; when it expires, it is postponed if there was a command.
 *
 * Units: ms, monotonic. Source: nsqd `protocolV2.IOLoop`, `messagePump`.
 */
export class ConnectionDeadlines {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #connection: WatchedConnection;
  readonly #output: Pick<SocketOutput, 'waitingBytes' | 'progress'>;
  readonly #heartbeat: number;
  readonly #read: number;
  /** 0: no heartbeats. */
  #heartbeatIntervalMs = 0;
  /** 0: no deadline. */
  #readIntervalMs = 0;
  #isIdentified = false;
  #isLingering = false;
  /** The time of the last complete command. */
  #lastCommandMs = 0;
  /** The output's progress at the last check. */
  #outputProgress = 0;

  constructor(
    { clock, deadlines, guard }: DeadlinesSetup,
    connection: WatchedConnection,
    output: Pick<SocketOutput, 'waitingBytes' | 'progress'>,
  ) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#connection = connection;
    this.#output = output;
    this.#heartbeat = deadlines.add(guard.around(connection, () => this.#onHeartbeat()));
    this.#read = deadlines.add(guard.around(connection, () => this.#onReadDeadline()));
  }

  /** The magic has arrived. Units: ms; 0 for neither heartbeats nor deadlines. */
  start(intervalMs: number): void {
    this.noteCommand();
    this.#startHeartbeats(intervalMs);
    this.#setReadInterval(intervalMs);
  }

  /** An IDENTIFY with this interval was accepted. */
  identify(intervalMs: number): void {
    this.noteCommand();
    if (!this.#isIdentified) this.#startHeartbeats(intervalMs);
    this.#isIdentified = true;
    this.#setReadInterval(intervalMs);
  }

  /** A command is complete. */
  noteCommand(): void {
    this.#lastCommandMs = this.#clock.monotonicMs();
  }

  /** The connection is ending: no more heartbeats, and a short deadline. */
  linger(): void {
    this.#isLingering = true;
    this.#deadlines.cancel(this.#heartbeat);
    this.#outputProgress = this.#output.progress;
    this.#deadlines.schedule(this.#read, this.#clock.monotonicMs() + LINGER_MS);
  }

  /** The connection has closed. */
  remove(): void {
    this.#deadlines.remove(this.#heartbeat);
    this.#deadlines.remove(this.#read);
  }

  #startHeartbeats(intervalMs: number): void {
    this.#heartbeatIntervalMs = intervalMs;
    this.#set(this.#heartbeat, intervalMs, this.#clock.monotonicMs() + intervalMs);
  }

  #setReadInterval(intervalMs: number): void {
    this.#readIntervalMs = intervalMs;
    this.#set(this.#read, intervalMs, this.#lastCommandMs + 2 * intervalMs);
  }

  #set(entry: number, intervalMs: number, deadlineMs: number): void {
    if (intervalMs === 0) this.#deadlines.cancel(entry);
    else this.#deadlines.schedule(entry, deadlineMs);
  }

  #onHeartbeat(): void {
    // Both deadlines may expire at the same time, the other one first.
    if (this.#isLingering) return;
    if (this.#output.waitingBytes > 0 && !this.#hasProgressed()) {
      this.#connection.onWriteTimeout();
      return;
    }
    this.#outputProgress = this.#output.progress;
    this.#connection.onHeartbeat();
    const nextMs = this.#clock.monotonicMs() + this.#heartbeatIntervalMs;
    this.#deadlines.schedule(this.#heartbeat, nextMs);
  }

  #onReadDeadline(): void {
    if (this.#isLingering) {
      this.#onLingerDeadline();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const deadlineMs = this.#lastCommandMs + 2 * this.#readIntervalMs;
    if (!this.#connection.isReading) this.#deadlines.schedule(this.#read, nowMs + POSTPONED_MS);
    else if (nowMs < deadlineMs) this.#deadlines.schedule(this.#read, deadlineMs);
    else this.#connection.onReadTimeout();
  }

  #onLingerDeadline(): void {
    const isWaitedFor = this.#connection.hasPendingResponses;
    if (isWaitedFor || (this.#output.waitingBytes > 0 && this.#hasProgressed())) this.linger();
    else this.#connection.onLingerTimeout();
  }

  #hasProgressed(): boolean {
    return this.#output.progress !== this.#outputProgress;
  }
}
