/**
 * A model of a broker: one channel of one topic, whose messages it keeps whatever happens to connections. It checks
 * everything: a command that is invalid at its place fails the run.
 *
 * Thread: any.
 * Source: nsqd `protocolV2`, `Channel`.
 */

import type { Timer } from '../../../src/shared/clock.ts';
import {
  bodiesOf,
  error,
  firstCommand,
  idOf,
  messageFrame,
  type ReceivedCommand,
  response,
} from '../../support/scripted-nsqd.ts';
import type { SimLink } from './sim-link.ts';
import type { SimWorld } from './sim-world.ts';

const MAGIC = '  V2';
const MISSED_HEARTBEATS = 2;
const MAX_RDY = 50;
/** No message stays in flight longer, however often it is touched, than so many of its timeouts. */
const TIMEOUTS_MAX = 3;

/** An unfinished message. */
type Held = {
  readonly id: string;
  readonly body: string;
  attempts: number;
  holder: Session | null;
  startMs: number;
  /** Ends its time in flight, or its delay. */
  timer: Timer | null;
};

export class SimNsqd {
  readonly address: string;
  /** Bodies in the order in which they were accepted; a body that arrives twice is in it twice. */
  readonly taken: string[] = [];
  /** Nobody can connect. */
  isDown = false;
  /** The percentage of publishes that it refuses. */
  refusalPercent = 0;

  readonly world: SimWorld;
  readonly #sessions = new Set<Session>();
  readonly #messages = new Set<Held>();
  readonly #queue: Held[] = [];

  constructor(address: string, world: SimWorld) {
    this.address = address;
    this.world = world;
  }

  get messageCount(): number {
    return this.#messages.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** A client connects. */
  accept(link: SimLink): void {
    const session = new Session(link, this);
    if (!link.connect(session)) return;
    this.#sessions.add(session);
    session.start();
  }

  /** Ends all connections, cleanly or not. */
  dropAll(isOrderly: boolean): void {
    for (const session of [...this.#sessions]) {
      if (isOrderly) session.end();
      else session.link.cut();
    }
  }

  take(body: string, delayMs: number): void {
    const id = idOf(this.world.nextId());
    const held: Held = { id, body, attempts: 0, holder: null, startMs: 0, timer: null };
    this.taken.push(body);
    this.#messages.add(held);
    this.putBack(held, delayMs);
  }

  /** A message waits again, now or later. */
  putBack(held: Held, delayMs: number): void {
    held.timer?.cancel();
    held.timer = null;
    held.holder?.inFlight.delete(held.id);
    held.holder = null;
    if (delayMs > 0) held.timer = this.world.clock.after(delayMs, () => this.putBack(held, 0));
    else {
      this.#queue.push(held);
      this.pump();
    }
  }

  forget(held: Held): void {
    held.timer?.cancel();
    held.holder?.inFlight.delete(held.id);
    this.#messages.delete(held);
  }

  forgetSession(session: Session): void {
    this.#sessions.delete(session);
    for (const held of [...session.inFlight.values()]) this.putBack(held, 0);
  }

  /** Delivers messages to consumers that are ready. */
  pump(): void {
    while (this.#queue.length > 0) {
      const ready = [...this.#sessions].filter(({ isReady }) => isReady);
      if (ready.length === 0) return;
      const held = this.#queue.shift();
      if (held === undefined) return;
      this.world.oneOf(ready).deliver(held);
    }
  }
}

/** One client's connection, as the broker sees it. */
class Session {
  readonly link: SimLink;
  readonly inFlight = new Map<string, Held>();
  readonly #nsqd: SimNsqd;
  readonly #world: SimWorld;
  #received = Buffer.alloc(0);
  #hasMagic = false;
  #hasIdentified = false;
  #isSubscribed = false;
  #isClosing = false;
  #isOver = false;
  #rdy = 0;
  #msgTimeoutMs = 60_000;
  #heartbeatMs = 2000;
  #unansweredHeartbeats = 0;
  #heartbeat: Timer | null = null;

  constructor(link: SimLink, nsqd: SimNsqd) {
    this.link = link;
    this.#nsqd = nsqd;
    this.#world = nsqd.world;
  }

  /** The connection is there. */
  start(): void {
    this.#beat();
  }

  get isReady(): boolean {
    return this.#isSubscribed && !this.#isClosing && this.inFlight.size < this.#rdy;
  }

  onBytes(bytes: Buffer): void {
    this.#unansweredHeartbeats = 0;
    this.#received = Buffer.concat([this.#received, bytes]);
    if (!this.#hasMagic) {
      if (this.#received.length < MAGIC.length) return;
      const magic = this.#received.toString('latin1', 0, MAGIC.length);
      this.#world.require(magic === MAGIC, `the magic is "${magic}"`);
      this.#received = this.#received.subarray(MAGIC.length);
      this.#hasMagic = true;
    }
    while (!this.#isOver) {
      const command = firstCommand(this.#received);
      if (command === undefined) return;
      this.#received = this.#received.subarray(command.end);
      this.#obey(command);
    }
  }

  onGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#heartbeat?.cancel();
    this.#nsqd.forgetSession(this);
  }

  /** Leaves in order: what is written arrives. */
  end(): void {
    this.link.end();
    this.onGone();
  }

  deliver(held: Held): void {
    held.attempts++;
    held.holder = this;
    held.startMs = this.#world.clock.monotonicMs();
    this.inFlight.set(held.id, held);
    this.#limit(held);
    this.#world.trace.add(`${this.link.name} gets ${held.id} ${held.body} (${held.attempts})`);
    this.link.send(messageFrame(held.id, held.body, held.attempts));
  }

  /** Takes the message back when its time is over. */
  #limit(held: Held): void {
    const usedMs = this.#world.clock.monotonicMs() - held.startMs;
    const leftMs = TIMEOUTS_MAX * this.#msgTimeoutMs - usedMs;
    held.timer?.cancel();
    held.timer = this.#world.clock.after(Math.min(this.#msgTimeoutMs, leftMs), () => {
      this.#world.trace.add(`${this.link.name} ${held.id} times out`);
      this.#nsqd.putBack(held, 0);
    });
  }

  #obey({ line, body, ...rest }: ReceivedCommand & { readonly end: number }): void {
    const [word, first = '', second = ''] = line.split(' ');
    this.#world.trace.add(`${this.link.name} obeys ${line}`);
    this.#world.require(
      this.#hasIdentified || word === 'IDENTIFY' || word === 'NOP',
      `${word} before IDENTIFY`,
    );
    switch (word) {
      case 'NOP':
        break;
      case 'IDENTIFY':
        this.#identify(String(body));
        break;
      case 'SUB':
        this.#world.require(!this.#isSubscribed, 'a second SUB');
        this.#isSubscribed = true;
        this.link.send(response('OK'));
        break;
      case 'RDY':
        this.#needSubscription(word);
        this.#world.require(Number(first) <= MAX_RDY, `RDY ${first} is too much`);
        this.#rdy = Number(first);
        this.#nsqd.pump();
        break;
      case 'CLS':
        this.#needSubscription(word);
        this.#isClosing = true;
        this.link.send(response('CLOSE_WAIT'));
        break;
      case 'FIN':
      case 'REQ':
      case 'TOUCH':
        this.#needSubscription(word);
        this.#answer(word, first, Number(second));
        break;
      case 'PUB':
      case 'MPUB':
      case 'DPUB':
        this.#publish({ line, body, ...rest }, word, Number(second));
        break;
      default:
        this.#world.fail(`the command "${line}"`);
    }
  }

  #needSubscription(word: string): void {
    this.#world.require(this.#isSubscribed, `${word} before SUB`);
  }

  #identify(text: string): void {
    // it is the client's own text
    const fields = JSON.parse(text) as { heartbeat_interval: number; msg_timeout?: number };
    this.#hasIdentified = true;
    this.#msgTimeoutMs = fields.msg_timeout ?? this.#msgTimeoutMs;
    this.#heartbeatMs = fields.heartbeat_interval;
    const grant = {
      max_rdy_count: MAX_RDY,
      msg_timeout: this.#msgTimeoutMs,
      max_msg_timeout: TIMEOUTS_MAX * this.#msgTimeoutMs,
    };
    this.link.send(response(JSON.stringify(grant)));
    this.#beat();
  }

  #beat(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = this.#world.clock.after(this.#heartbeatMs, () => {
      if (this.#unansweredHeartbeats === MISSED_HEARTBEATS) {
        this.end();
        return;
      }
      this.#unansweredHeartbeats++;
      this.link.send(response('_heartbeat_'));
      this.#beat();
    });
  }

  #answer(word: string, id: string, delayMs: number): void {
    const held = this.inFlight.get(id);
    if (held === undefined) this.link.send(error(`E_${word}_FAILED ${word} ${id} failed`));
    else if (word === 'TOUCH') this.#limit(held);
    else if (word === 'FIN') {
      this.#nsqd.forget(held);
      this.#nsqd.pump();
    } else this.#nsqd.putBack(held, delayMs);
  }

  #publish(command: ReceivedCommand, word: string, delayMs: number): void {
    if (this.#world.chance(this.#nsqd.refusalPercent)) {
      this.link.send(error(`E_${word}_FAILED ${word} failed`));
      this.end();
      return;
    }
    for (const body of bodiesOf(command)) this.#nsqd.take(String(body), delayMs || 0);
    this.link.send(response('OK'));
  }
}
