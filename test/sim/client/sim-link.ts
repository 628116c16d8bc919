/**
 * A connection without a network: the simulation transfers as many bytes at a time as it likes. It can be cut at every
 * byte, can become silent without either end noticing, and can end cleanly. The client's bytes are shown to the watch
 * when they are written, the broker's when they arrive: the client is judged by what it can know.
 *
 * Thread: any.
 */

import { Duplex } from 'node:stream';
import type { SimWorld } from './sim-world.ts';

/** The broker's end. */
export type LinkPeer = {
  onBytes(bytes: Buffer): void;
  /** The client has ended its side, or the connection is gone. */
  onGone(): void;
};

/** Sees what the client knows. */
export type LinkWatch = {
  onWritten(link: SimLink, bytes: Buffer): void;
  onArrived(link: SimLink, bytes: Buffer): void;
  /** The client has given the connection up, or knows that it is gone. */
  onLeft(link: SimLink): void;
};

/** One direction: what is on its way, and whether its end is behind it. */
class Lane {
  #waiting = Buffer.alloc(0);
  isEnding = false;
  hasEnded = false;
  /** Bytes that have arrived. */
  passedBytes = 0;

  get count(): number {
    return this.#waiting.length;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && (!this.isEnding || this.hasEnded);
  }

  add(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
  }

  take(count: number): Buffer {
    const taken = this.#waiting.subarray(0, count);
    this.#waiting = this.#waiting.subarray(count);
    this.passedBytes += taken.length;
    return Buffer.from(taken);
  }

  clear(): void {
    this.#waiting = Buffer.alloc(0);
  }
}

export class SimLink {
  readonly name: string;
  readonly client: Duplex;
  readonly #up = new Lane();
  readonly #down = new Lane();
  readonly #world: SimWorld;
  readonly #watch: LinkWatch;
  #peer: LinkPeer | null = null;
  #isMute = false;
  #hasClientLeft = false;
  #hasPeerLeft = false;
  /** Bytes after which it breaks, counted over both directions; -1: never. */
  #cutAfterBytes = -1;
  /** Tells the stream that what it wrote has left. */
  #onWritten: (() => void) | null = null;

  constructor(name: string, world: SimWorld, watch: LinkWatch) {
    this.name = name;
    this.#world = world;
    this.#watch = watch;
    this.client = new Duplex({
      allowHalfOpen: false,
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        this.#up.add(Buffer.from(bytes));
        // at random the socket is full
        if (this.#world.chance(10)) this.#onWritten = done;
        else done();
      },
      final: (done) => {
        this.#up.isEnding = true;
        done();
      },
      destroy: (cause, done) => {
        this.#leave();
        done(cause);
      },
    });
    // what is written counts from then on, also while the socket is full
    const { client } = this;
    const write = client.write.bind(client);
    client.write = (bytes: Buffer): boolean => {
      this.#watch.onWritten(this, bytes);
      return write(bytes);
    };
  }

  /** Whether nothing is on its way that will arrive. */
  get isIdle(): boolean {
    return this.#isMute || (this.#up.isIdle && this.#down.isIdle);
  }

  get isOver(): boolean {
    return this.#hasClientLeft && this.#hasPeerLeft;
  }

  get passedBytes(): number {
    return this.#up.passedBytes + this.#down.passedBytes;
  }

  /** The broker accepts. False when the client has left already. */
  connect(peer: LinkPeer): boolean {
    if (this.client.destroyed) return false;
    this.#peer = peer;
    this.client.emit('connect');
    return true;
  }

  refuse(): void {
    this.#hasPeerLeft = true;
    this.client.destroy(new Error('connect ECONNREFUSED'));
  }

  /** It breaks when this many more bytes have arrived. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = this.passedBytes + bytes;
  }

  /** Both ends learn that it is gone; what is on its way is lost. */
  cut(): void {
    this.#world.trace.add(`${this.name} cut`);
    this.#up.clear();
    this.#down.clear();
    this.#goneForPeer();
    this.client.destroy(new Error('read ECONNRESET'));
  }

  /** From now on nothing arrives any more, and nobody is told. */
  mute(): void {
    this.#world.trace.add(`${this.name} mute`);
    this.#isMute = true;
    this.#wrote();
  }

  /** The broker writes. */
  send(bytes: Buffer): void {
    if (!this.#down.isEnding) this.#down.add(Buffer.from(bytes));
  }

  /** The broker ends its side, after what it has written, and stops reading. */
  end(): void {
    this.#down.isEnding = true;
    this.#up.clear();
    this.#hasPeerLeft = true;
    this.#peer = null;
    this.#wrote();
  }

  /** Lets some bytes arrive, of a direction that has any. */
  carry(countMax: number): void {
    if (this.#isMute) return;
    const canUp = !this.#up.isIdle;
    const isUp = canUp && (this.#down.isIdle || this.#world.chance(50));
    const lane = isUp ? this.#up : this.#down;
    let count = Math.min(countMax, lane.count);
    // nobody would learn of it
    if (this.isOver) this.#cutAfterBytes = -1;
    if (this.#cutAfterBytes >= 0) count = Math.min(count, this.#cutAfterBytes - this.passedBytes);
    const bytes = lane.take(count);
    if (isUp) this.#carryUp(bytes);
    else this.#carryDown(bytes);
    if (this.#cutAfterBytes >= 0 && this.passedBytes >= this.#cutAfterBytes) {
      this.#cutAfterBytes = -1;
      this.cut();
    }
  }

  #carryUp(bytes: Buffer): void {
    if (bytes.length > 0) this.#peer?.onBytes(bytes);
    if (this.#up.count === 0) this.#wrote();
    if (this.#up.count === 0 && this.#up.isEnding && !this.#up.hasEnded) {
      this.#up.hasEnded = true;
      this.#goneForPeer();
      // a broker that reads the end closes its side
      this.#down.isEnding = true;
    }
  }

  #carryDown(bytes: Buffer): void {
    if (bytes.length > 0 && !this.client.destroyed) {
      this.#watch.onArrived(this, bytes);
      this.client.push(bytes);
    }
    if (this.#down.count === 0 && this.#down.isEnding && !this.#down.hasEnded) {
      this.#down.hasEnded = true;
      if (!this.client.destroyed) this.client.push(null);
    }
  }

  #wrote(): void {
    const done = this.#onWritten;
    this.#onWritten = null;
    done?.();
  }

  #leave(): void {
    if (this.#hasClientLeft) return;
    this.#hasClientLeft = true;
    this.#watch.onLeft(this);
    // what it had written may arrive all the same, and then its end
    this.#down.clear();
    this.#down.hasEnded = true;
    this.#up.isEnding = true;
  }

  #goneForPeer(): void {
    const peer = this.#peer;
    this.#peer = null;
    this.#hasPeerLeft = true;
    peer?.onGone();
  }
}
