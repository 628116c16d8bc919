/**
 * Bounds the memory and the time of heads that arrive in parts, over all connections. A head of 64 KiB may have 16,000
 * fields, for which Node's parser takes 300 KiB and 15 ms.
 *
 * When the bound is exceeded, the address that holds most gives up the head that has held most for longest. An honest
 * head is complete after milliseconds. Trailers of a chunked body count as well. Heads that are short, as almost all
 * are, never wait for others and are not counted once they are complete.
 *
 * Bound: HEAD_BYTES_MAX, with input that waits for a later turn (`HeadTurns`), and one chunk of each connection that is
 * read in a turn.
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../log.ts';
import { remoteHost } from '../remote-host.ts';
import { RepeatedLog } from '../repeated-log.ts';
import { HeadTurns } from './head-turns.ts';
import { httpSender } from './http-sender.ts';
import { dropFields, holdsFields, watchParserInput } from './parser-input.ts';
import { isParserPaused, pauseParser, resumeParser } from './parser-pause.ts';

/** Room for 64 of the largest heads. The parser takes up to five times as much. */
const HEAD_BYTES_MAX = 4 * 1024 * 1024;
/** How many heads of an address are compared; those that began first come first. */
const COMPARED_MAX = 256;

/** What an address holds. Shape: `heads` begins with the oldest. */
type Holder = { readonly heads: Set<Head>; bytes: number };

/** The current head of a connection. */
type Head = {
  readonly socket: Socket;
  readonly address: string;
  /** Closes the connection. */
  readonly cut: () => void;
  /** Whether a request has begun whose head is incomplete. */
  isOpen: boolean;
  /** Bytes that the parser has read. */
  readBytes: number;
  /** Those and the bytes that wait to be read. */
  bytes: number;
  sinceMs: number;
  /** While it waits for a later turn. */
  pause: object | undefined;
};

export class UnfinishedHeads {
  readonly #bytesMax: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #losses: RepeatedLog;
  readonly #turns = new HeadTurns();
  readonly #heads = new WeakMap<Socket, Head>();
  readonly #holders = new Map<string, Holder>();
  #totalBytes = 0;

  constructor(
    clock: Pick<Clock, 'monotonicMs'>,
    logger: Pick<Logger, 'warn'>,
    bytesMax = HEAD_BYTES_MAX,
  ) {
    this.#bytesMax = bytesMax;
    this.#clock = clock;
    this.#losses = new RepeatedLog(clock, (text) => logger.warn(text));
  }

  /** Bytes of heads that are incomplete. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /**
   * Counts what arrives on a connection that Node's server has just taken. `hasShortHead`: its input begins with a
   * whole head, a short one. `cut` must close it at once.
   */
  watch(socket: Socket, hasShortHead: boolean, cut: () => void): void {
    const head: Head = {
      socket,
      address: remoteHost(socket),
      cut,
      isOpen: false,
      readBytes: 0,
      bytes: 0,
      sinceMs: 0,
      pause: undefined,
    };
    this.#heads.set(socket, head);
    watchParserInput(socket, {
      onBegin: () => {
        head.isOpen = true;
      },
      onInput: (bytes) => this.#take(head, bytes),
    });
    socket.once('close', () => this.#forget(head));
    if (hasShortHead || this.#turns.hasRoom) return;
    this.#pause(head);
    this.#count(head, 0);
  }

  /** The connection's head is complete. */
  finish(socket: Socket): void {
    const head = this.#heads.get(socket);
    if (head === undefined) return;
    head.isOpen = false;
    this.#forget(head);
  }

  /** The parser has failed or is no longer used: what it still reads is dropped. */
  end(socket: Socket): void {
    this.finish(socket);
    this.#heads.delete(socket);
    dropFields(socket);
  }

  #take(head: Head, bytes: number): void {
    if (head.socket.destroyed || !this.#heads.has(head.socket)) return;
    // Something else has resumed it. A paused TLS connection still reads what was decrypted.
    if (!isParserPaused(head.socket)) head.pause = undefined;
    if (!head.isOpen && !holdsFields(head.socket)) {
      this.#forget(head);
      return;
    }
    this.#turns.take(bytes);
    if (!this.#turns.hasRoom) this.#pause(head);
    this.#count(head, bytes);
  }

  /** Reads on in a later turn, unless the connection has been paused for another reason. */
  #pause(head: Head): void {
    const { socket } = head;
    if (isParserPaused(socket)) return;
    const pause = {};
    head.pause = pause;
    pauseParser(socket);
    this.#turns.wait(() => {
      if (head.pause !== pause || socket.destroyed) return;
      head.pause = undefined;
      resumeParser(socket);
    });
  }

  #count(head: Head, readBytes: number): void {
    head.readBytes += readBytes;
    const bytes = head.readBytes + head.socket.readableLength;
    const holder = this.#holderOf(head.address);
    if (!holder.heads.has(head)) {
      holder.heads.add(head);
      head.sinceMs = this.#clock.monotonicMs();
    }
    holder.bytes += bytes - head.bytes;
    this.#totalBytes += bytes - head.bytes;
    head.bytes = bytes;
    while (this.#totalBytes > this.#bytesMax) {
      const worst = this.#worst();
      if (worst === undefined) break;
      this.#cut(worst);
    }
  }

  #cut(head: Head): void {
    const all = `those of all clients take ${this.#totalBytes} bytes`;
    this.#losses.note(
      `disconnected ${httpSender(head.socket)}: its header is incomplete, and ${all}`,
    );
    head.pause = undefined;
    this.end(head.socket);
    // Whatever the socket's head is by now: this one is never looked at again.
    this.#forget(head);
    head.cut();
  }

  /** The head that has held most for longest, of the address that holds most. */
  #worst(): Head | undefined {
    let largest: Holder | undefined;
    for (const holder of this.#holders.values()) {
      if (largest === undefined || holder.bytes > largest.bytes) largest = holder;
    }
    const nowMs = this.#clock.monotonicMs();
    let worst: Head | undefined;
    let worstCost = -1;
    let left = COMPARED_MAX;
    for (const head of largest?.heads ?? []) {
      const cost = head.bytes * (nowMs - head.sinceMs + 1);
      if (cost > worstCost) {
        worst = head;
        worstCost = cost;
      }
      if (--left === 0) break;
    }
    return worst;
  }

  #holderOf(address: string): Holder {
    const known = this.#holders.get(address);
    if (known !== undefined) return known;
    const holder = { heads: new Set<Head>(), bytes: 0 };
    this.#holders.set(address, holder);
    return holder;
  }

  #forget(head: Head): void {
    const holder = this.#holders.get(head.address);
    if (holder?.heads.delete(head) !== true) return;
    holder.bytes -= head.bytes;
    this.#totalBytes -= head.bytes;
    head.readBytes = 0;
    head.bytes = 0;
    if (holder.heads.size === 0) this.#holders.delete(head.address);
  }
}
