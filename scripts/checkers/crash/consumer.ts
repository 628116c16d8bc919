/**
 * Consumes a channel through one connection as a careless client does: it finishes in any order, requeues with and
 * without a delay, touches, and leaves some messages in flight. It reports everything to the ledger.
 */

import { line, pub } from '../../../src/protocol/commands.ts';
import type { Random } from '../../../test/support/seeded-random.ts';
import { Connection, type Message } from '../../kit/connection.ts';
import type { Bodies } from './bodies.ts';
import type { Action, ChannelLedger, Entry } from './channel-ledger.ts';
import type { Publications } from './publications.ts';
import type { Violations } from './violations.ts';

/** A publish to this topic is answered when everything sent before has been carried out; the topic has no consumer. */
const BARRIER = pub('barrier#ephemeral', '.');
const HELD_MAX = 20;
const DELAY_MS_MAX = 4000;
/** After this many deliveries a message is finished, whatever the random numbers say. */
const ATTEMPTS_MAX = 4;
const ID = /[0-9a-f]{16}/;

/** How a consumer answers messages. */
type Mode = 'any' | 'hold' | 'finish';

/** The dependencies of a consumer. */
export type ConsumerSetup = {
  readonly ledger: ChannelLedger;
  readonly bodies: Bodies;
  readonly publications: Publications;
  readonly violations: Violations;
  readonly readyCount: number;
  readonly random: Random;
  onDelivered(): void;
};

type Held = { readonly id: string; readonly entry: Entry };

export class Consumer {
  readonly #setup: ConsumerSetup;
  readonly #heldMax: number;
  readonly #held: Held[] = [];
  readonly #last = new Map<string, { entry: Entry; action: Action | null }>();
  #connection: Connection | null = null;
  #mode: Mode = 'any';
  #unconfirmed: Action[] = [];
  #isAsking = false;

  /** Errors: rejects if the broker ends meanwhile, or refuses. */
  static async start(port: number, setup: ConsumerSetup): Promise<Consumer> {
    const consumer = new Consumer(setup);
    const connection = await Connection.open(port, {
      onMessage: (message) => consumer.#onMessage(message),
      onRefusal: (text) => consumer.#onRefusal(text),
    });
    consumer.#connection = connection;
    const { topic, name } = setup.ledger;
    const answer = await connection.ask(line('SUB', topic, name));
    if (answer !== 'OK') throw new Error(`subscribe to "${topic}/${name}": ${answer ?? 'the end'}`);
    connection.send(line('RDY', setup.readyCount));
    return consumer;
  }

  private constructor(setup: ConsumerSetup) {
    this.#setup = setup;
    this.#heldMax = Math.min(HELD_MAX, setup.readyCount >> 1);
  }

  /** Stops answering. */
  hold(): void {
    this.#mode = 'hold';
  }

  /** From now on finishes everything, including the messages that it holds. */
  finishAll(): void {
    this.#mode = 'finish';
    for (const held of this.#held.splice(0)) this.#finish(held);
    this.#confirm();
  }

  close(): void {
    this.#connection?.destroy();
  }

  #onMessage({ id, attempts, body }: Message): void {
    const { ledger, bodies, publications, violations, onDelivered } = this.#setup;
    const number = bodies.read(body);
    const publication = number === undefined ? undefined : publications.get(number);
    if (publication?.topic !== ledger.topic) {
      const start = body.toString('hex', 0, 16);
      const place = `${ledger.topic}/${ledger.name}`;
      violations.add('unknown body', `${place}: ${body.length} bytes, ${start}…, id ${id}`);
      this.#connection?.send(line('FIN', id));
      return;
    }
    const held = { id, entry: ledger.deliver(publication, attempts, Date.now()) };
    this.#last.set(id, { entry: held.entry, action: null });
    this.#answer(held, attempts);
    this.#confirm();
    onDelivered();
  }

  #answer(held: Held, attempts: number): void {
    const { random } = this.#setup;
    const kind = random(100);
    if (this.#mode === 'hold') this.#held.push(held);
    else if (this.#mode === 'finish' || attempts >= ATTEMPTS_MAX || kind < 60) this.#finish(held);
    else if (kind < 67) this.#requeue(held, 0);
    else if (kind < 77) this.#requeue(held, 1 + random(DELAY_MS_MAX));
    else {
      if (kind < 82) this.#connection?.send(line('TOUCH', held.id));
      this.#held.push(held);
      while (this.#held.length > this.#heldMax) {
        const [any] = this.#held.splice(random(this.#held.length), 1);
        this.#finish(any);
      }
    }
  }

  #finish({ id, entry }: Held): void {
    this.#send(id, entry, this.#setup.ledger.finish(entry, Date.now()), line('FIN', id));
  }

  #requeue({ id, entry }: Held, delayMs: number): void {
    const action = this.#setup.ledger.requeue(entry, delayMs, Date.now());
    this.#send(id, entry, action, line('REQ', id, delayMs));
  }

  #send(id: string, entry: Entry, action: Action, command: Buffer): void {
    this.#connection?.send(command);
    this.#last.set(id, { entry, action });
    this.#unconfirmed.push(action);
  }

  /** Waits for confirmation of all answers so far, with one request at a time. */
  #confirm(): void {
    if (this.#isAsking || this.#unconfirmed.length === 0 || this.#connection === null) return;
    const actions = this.#unconfirmed;
    this.#unconfirmed = [];
    this.#isAsking = true;
    void this.#connection.ask(BARRIER).then((answer) => {
      this.#isAsking = false;
      if (answer === null) return;
      if (answer !== 'OK') this.#setup.violations.add('refused', `a publish: ${answer}`);
      for (const action of actions) action.confirmedMs = Date.now();
      this.#confirm();
    });
  }

  #onRefusal(text: string): void {
    const { ledger, violations } = this.#setup;
    const last = this.#last.get(ID.exec(text)?.[0] ?? '');
    if (last === undefined) violations.add('refused', text);
    else ledger.refuse(last.entry, text, last.action);
  }
}
