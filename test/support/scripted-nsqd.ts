/**
 * Brokers without a network, for tests of the client: they record their commands, answer like a healthy broker or as a
 * test wants, and deliver what a test gives them. The clock stands still until the test moves it.
 */

import { Duplex } from 'node:stream';
import type { Address } from '../../src/client/address.ts';
import type { Environment } from '../../src/client/environment.ts';
import { Journal } from './journal.ts';
import { ManualClock } from './manual-clock.ts';
import { seededRandom } from './seeded-random.ts';

const RESPONSE = 0;
const ERROR = 1;
const MESSAGE = 2;
const MAGIC_BYTES = 4;
const NEWLINE = 0x0a;
const WITH_BODY: readonly string[] = ['IDENTIFY', 'AUTH', 'PUB', 'MPUB', 'DPUB'];

/** A command as it was received: the line, and the body after it. */
export type ReceivedCommand = { readonly line: string; readonly body: Buffer };

/** Frames as they are on the wire. */
export const response = (text: string): Buffer => frameOf(RESPONSE, Buffer.from(text));
export const error = (text: string): Buffer => frameOf(ERROR, Buffer.from(text));

function frameOf(type: number, data: Buffer): Buffer {
  const frame = Buffer.alloc(8 + data.length);
  frame.writeUInt32BE(4 + data.length, 0);
  frame.writeUInt32BE(type, 4);
  data.copy(frame, 8);
  return frame;
}

/** A message as it is on the wire. */
export function messageFrame(id: string, body: string | Buffer, attempts = 1): Buffer {
  const head = Buffer.alloc(26);
  head.writeBigInt64BE(1_700_000_000_123_456_789n, 0);
  head.writeUInt16BE(attempts, 8);
  head.write(id, 10, 'latin1');
  return frameOf(MESSAGE, Buffer.concat([head, Buffer.from(body)]));
}

/** An id of a message: 16 digits. */
export function idOf(number: number): string {
  return number.toString(16).padStart(16, '0');
}

/** A broker to which a client may connect again and again. */
export class ScriptedNsqd {
  /**
   * `connected`, command lines, `closed`. IDENTIFY is shown with its body, publishes with the number of their messages.
   */
  readonly journal = new Journal();
  /** Bodies that were published. */
  readonly published: string[] = [];
  /** Whether connections are refused. */
  isDown = false;
  /** Whether its input and its output are lost. */
  isSilent = false;
  /** Additional fields of the answer to IDENTIFY. */
  grant: Record<string, unknown> = {};
  /** The answer to a command; undefined: that of a healthy broker; null: none. */
  answer: (command: ReceivedCommand) => Buffer | null | undefined = () => undefined;

  #link: Duplex | null = null;
  /** Whether it ignores further commands on this connection. */
  #hasRefused = false;

  /** Delivers messages, all in one chunk. */
  deliver(...frames: Buffer[]): void {
    this.say(Buffer.concat(frames));
  }

  say(bytes: Buffer): void {
    if (!this.isSilent) this.#link?.push(bytes);
  }

  heartbeat(): void {
    this.say(response('_heartbeat_'));
  }

  /** Breaks the connection. */
  hangUp(cause?: Error): void {
    this.#link?.destroy(cause);
  }

  /** Ends its side of the connection. */
  end(): void {
    this.#link?.push(null);
  }

  /** The client's end of a new connection. */
  accept(): Duplex {
    let received = Buffer.alloc(0);
    let hasMagic = false;
    const link = new Duplex({
      allowHalfOpen: false,
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        done();
        if (this.isSilent) return;
        received = Buffer.concat([received, chunk]);
        if (!hasMagic && received.length >= MAGIC_BYTES) {
          hasMagic = true;
          received = received.subarray(MAGIC_BYTES);
        }
        for (;;) {
          const command = hasMagic ? firstCommand(received) : undefined;
          if (command === undefined || this.#hasRefused || link.destroyed) return;
          received = received.subarray(command.end);
          this.#obey(command);
        }
      },
      final: (done) => {
        done();
        this.journal.add('ended');
        link.push(null);
      },
    });
    link.on('close', () => {
      this.journal.add('closed');
      if (this.#link === link) this.#link = null;
    });
    process.nextTick(() => {
      if (this.isDown) {
        link.destroy(new Error('connect ECONNREFUSED'));
        return;
      }
      if (link.destroyed) return;
      this.#link = link;
      this.#hasRefused = false;
      this.journal.add('connected');
      link.emit('connect');
    });
    return link;
  }

  #obey(command: ReceivedCommand): void {
    const answer = this.answer(command);
    const [word] = command.line.split(' ');
    if (answer === undefined && /^(?:PUB|MPUB|DPUB)$/.test(word)) {
      this.published.push(...bodiesOf(command).map(String));
    }
    const healthy = this.#healthyAnswer(word);
    const bytes = answer === undefined ? healthy : answer;
    this.journal.add(shown(command));
    if (bytes !== null) this.say(bytes);
    // as a broker does after errors
    if (bytes !== null && isFatal(bytes)) {
      this.#hasRefused = true;
      this.#link?.push(null);
    }
  }

  #healthyAnswer(word: string): Buffer | null {
    if (word === 'CLS') return response('CLOSE_WAIT');
    if (word === 'IDENTIFY') {
      const grant = { max_rdy_count: 2500, msg_timeout: 60_000, max_msg_timeout: 900_000 };
      return response(JSON.stringify({ ...grant, ...this.grant }));
    }
    return ['SUB', 'AUTH', 'PUB', 'MPUB', 'DPUB'].includes(word) ? response('OK') : null;
  }
}

function isFatal(frame: Buffer): boolean {
  return frame.readUInt32BE(4) === ERROR && !/E_(?:FIN|REQ|TOUCH)_FAILED/.test(String(frame));
}

/** The first complete command of these bytes, and its end. */
export function firstCommand(
  bytes: Buffer,
): (ReceivedCommand & { readonly end: number }) | undefined {
  const lineEnd = bytes.indexOf(NEWLINE);
  if (lineEnd === -1) return undefined;
  const line = bytes.toString('latin1', 0, lineEnd);
  const at = lineEnd + 1;
  if (!WITH_BODY.includes(line.split(' ')[0])) return { line, body: Buffer.alloc(0), end: at };
  if (bytes.length < at + 4) return undefined;
  const end = at + 4 + bytes.readUInt32BE(at);
  return bytes.length < end ? undefined : { line, body: bytes.subarray(at + 4, end), end };
}

/** The messages of a publish. */
export function bodiesOf({ line, body }: ReceivedCommand): Buffer[] {
  if (!line.startsWith('MPUB')) return [body];
  const bodies: Buffer[] = [];
  for (let at = 4; at < body.length; at += 4 + body.readUInt32BE(at)) {
    bodies.push(body.subarray(at + 4, at + 4 + body.readUInt32BE(at)));
  }
  return bodies;
}

function shown(command: ReceivedCommand): string {
  const { line, body } = command;
  if (line === 'IDENTIFY' || line === 'AUTH') return `${line} ${body}`;
  return line.startsWith('MPUB') ? `${line} ${bodiesOf(command).length}` : line;
}

/** Brokers at addresses, and the client's environment around them. */
export class ScriptedSite {
  readonly clock = new ManualClock();
  readonly environment: Environment;
  readonly #brokers = new Map<string, ScriptedNsqd>();

  /** `seed`: that of the client's random numbers. */
  constructor(seed = 1) {
    const random = seededRandom(seed);
    // the first random numbers of small seeds are small
    for (let i = 0; i < 20; i++) random(2);
    this.environment = {
      clock: this.clock,
      random: () => random(2 ** 30) / 2 ** 30,
      connect: ({ text }: Address) => this.broker(text).accept(),
    };
  }

  /** The broker at an address, which exists from the first call on. */
  broker(address = 'broker:4150'): ScriptedNsqd {
    const known = this.#brokers.get(address);
    if (known !== undefined) return known;
    const broker = new ScriptedNsqd();
    this.#brokers.set(address, broker);
    return broker;
  }
}

/** Resolves when nothing more can happen without time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
