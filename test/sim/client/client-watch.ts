/**
 * Checks the behaviour of one client on its connections against what it has received: it answers a message on the
 * connection that delivered it, once for each delivery, and requests no more than it may have.
 *
 * Thread: any.
 */

import { FrameReader } from '../../../src/client/frame-reader.ts';
import type { Clock, Timer } from '../../../src/shared/clock.ts';
import { firstCommand } from '../../support/scripted-nsqd.ts';
import type { LinkWatch, SimLink } from './sim-link.ts';
import type { SimWorld } from './sim-world.ts';

const MESSAGE = 2;
const ID_AT = 10;
const ID_BYTES = 16;
const MAGIC_BYTES = 4;
const FRAME_BYTES_MAX = 1024 * 1024;

/** The traffic of one connection, as its client knows it. */
class Known {
  readonly reader: FrameReader;
  /** How often each message was delivered. */
  readonly arrivals = new Map<string, number>();
  /** How often it was answered. */
  readonly answers = new Map<string, number>();
  written = Buffer.alloc(0);
  hasMagic = false;
  rdy = 0;

  constructor(onMessage: (id: string) => void) {
    this.reader = new FrameReader(
      {
        onFrame: (type, bytes, at) => {
          if (type === MESSAGE)
            onMessage(bytes.toString('latin1', at + ID_AT, at + ID_AT + ID_BYTES));
        },
        onBadFrame: (text) => {
          throw new Error(text);
        },
      },
      FRAME_BYTES_MAX,
    );
  }
}

export class ClientWatch implements LinkWatch {
  readonly name: string;
  /** The client's own view of the time. */
  readonly clock: CountingClock;
  readonly #world: SimWorld;
  readonly #known = new Map<SimLink, Known>();
  readonly #left = new WeakSet<SimLink>();
  /** How often each message was finished, over all connections. */
  readonly finished = new Map<string, number>();

  constructor(name: string, world: SimWorld) {
    this.name = name;
    this.clock = new CountingClock(world.clock);
    this.#world = world;
  }

  /** The connections that the client has. */
  get links(): readonly SimLink[] {
    return [...this.#known.keys()];
  }

  /** The ready counts that the client has given, together. */
  get rdy(): number {
    return [...this.#known.values()].reduce((sum, { rdy }) => sum + rdy, 0);
  }

  onArrived(link: SimLink, bytes: Buffer): void {
    this.#of(link).reader.read(Buffer.from(bytes));
  }

  onLeft(link: SimLink): void {
    this.#left.add(link);
    this.#known.delete(link);
  }

  onWritten(link: SimLink, bytes: Buffer): void {
    // the client learns a moment later that the connection is gone
    if (this.#left.has(link)) return;
    const known = this.#of(link);
    known.written = Buffer.concat([known.written, bytes]);
    if (!known.hasMagic) {
      if (known.written.length < MAGIC_BYTES) return;
      known.hasMagic = true;
      known.written = known.written.subarray(MAGIC_BYTES);
    }
    for (;;) {
      const command = firstCommand(known.written);
      if (command === undefined) return;
      known.written = known.written.subarray(command.end);
      this.#onCommand(link, known, command.line);
    }
  }

  #onCommand(link: SimLink, known: Known, line: string): void {
    const [word, first] = line.split(' ');
    this.#world.trace.add(`${link.name} writes ${line}`);
    if (word === 'RDY') known.rdy = Number(first);
    if (word === 'CLS') known.rdy = 0;
    if (word === 'TOUCH') {
      this.#world.require(
        known.arrivals.has(first),
        `${this.name} touches ${first} on ${link.name}`,
      );
    }
    if (word !== 'FIN' && word !== 'REQ') return;
    if (word === 'FIN') this.finished.set(first, (this.finished.get(first) ?? 0) + 1);
    const answers = (known.answers.get(first) ?? 0) + 1;
    const arrivals = known.arrivals.get(first) ?? 0;
    known.answers.set(first, answers);
    const what = `${this.name} answers ${first} ${answers} times on ${link.name}, where it came ${arrivals} times`;
    this.#world.require(answers <= arrivals, what);
  }

  #of(link: SimLink): Known {
    const found = this.#known.get(link);
    if (found !== undefined) return found;
    const known = new Known((id) => known.arrivals.set(id, (known.arrivals.get(id) ?? 0) + 1));
    this.#known.set(link, known);
    return known;
  }
}

/** A clock that counts the pending calls of its client. */
class CountingClock implements Clock {
  timerCount = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  unixNs(): bigint {
    return this.#clock.unixNs();
  }

  after(delayMs: number, callback: () => void): Timer {
    let isPending = true;
    const end = (): void => {
      if (isPending) this.timerCount--;
      isPending = false;
    };
    this.timerCount++;
    const timer = this.#clock.after(delayMs, () => {
      end();
      callback();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
      unref: () => timer.unref(),
    };
  }
}
