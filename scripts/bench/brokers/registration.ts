/**
 * One broker's connection to the bundled nsqlookupd: from the bytes it sends to the replies it gets.
 *
 * Shape: the magic `  V1`, then commands, each a line; IDENTIFY has size(4) and a body behind it. A reply is size(4)
 * and its bytes.
 * Source: nsqlookupd's `LookupProtocolV1`; commands are taken apart less strictly, since only brokers send them.
 */

import type { Producer, Registry } from './registry.ts';

const MAGIC = '  V1';
const SIZE_BYTES = 4;
const LINE_END = 0x0a;
/** What does not end by then is no command of a broker's. */
const COMMAND_BYTES_MAX = 1 << 20;

/** A command with its words, and the bytes that it takes. */
type Command = { readonly words: readonly string[]; readonly body: Buffer; readonly bytes: number };

export class Registration {
  readonly #registry: Registry;
  readonly #remoteAddress: string;
  /** What an IDENTIFY is answered. */
  readonly #self: Readonly<Record<string, unknown>>;
  #held: Buffer = Buffer.alloc(0);
  #hasMagic = false;
  #producer: Producer | undefined;

  constructor(registry: Registry, remoteAddress: string, self: Readonly<Record<string, unknown>>) {
    this.#registry = registry;
    this.#remoteAddress = remoteAddress;
    this.#self = self;
  }

  /** Takes what has come; returns the replies. Errors: throws at what no broker says. */
  take(chunk: Buffer): Buffer[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (!this.#hasMagic && !this.#takeMagic()) return [];
    const replies: Buffer[] = [];
    for (let command = this.#next(); command !== undefined; command = this.#next()) {
      this.#held = this.#held.subarray(command.bytes);
      replies.push(framed(this.#carryOut(command)));
    }
    if (this.#held.length > COMMAND_BYTES_MAX) throw new Error('a command without an end');
    return replies;
  }

  /** The connection is gone, and the broker with it. */
  end(): void {
    if (this.#producer !== undefined) this.#registry.remove(this.#producer);
  }

  #takeMagic(): boolean {
    if (this.#held.length < MAGIC.length) return false;
    const magic = this.#held.toString('latin1', 0, MAGIC.length);
    if (magic !== MAGIC) throw new Error(`the protocol "${magic}" is not spoken here`);
    this.#held = this.#held.subarray(MAGIC.length);
    this.#hasMagic = true;
    return true;
  }

  /** The next command, if it has come whole. */
  #next(): Command | undefined {
    const lineEnd = this.#held.indexOf(LINE_END);
    if (lineEnd === -1) return undefined;
    const words = this.#held.toString('latin1', 0, lineEnd).trim().split(' ');
    const bodyAt = lineEnd + 1;
    if (words[0] !== 'IDENTIFY') return { words, body: Buffer.alloc(0), bytes: bodyAt };
    if (this.#held.length < bodyAt + SIZE_BYTES) return undefined;
    const bytes = bodyAt + SIZE_BYTES + this.#held.readUInt32BE(bodyAt);
    if (bytes > COMMAND_BYTES_MAX) throw new Error('an IDENTIFY of more than a MiB');
    if (this.#held.length < bytes) return undefined;
    return { words, body: this.#held.subarray(bodyAt + SIZE_BYTES, bytes), bytes };
  }

  #carryOut({ words, body }: Command): string {
    const [name, topic] = words;
    const channel = words[2] ?? null;
    if (name === 'PING') return 'OK';
    if (name === 'IDENTIFY') return this.#identify(body);
    if (name !== 'REGISTER' && name !== 'UNREGISTER') return `E_INVALID invalid command ${name}`;
    if (this.#producer === undefined) return 'E_INVALID client must IDENTIFY';
    if (words.length < 2) return `E_INVALID ${name} insufficient number of params`;
    if (name === 'REGISTER') this.#registry.register(this.#producer, topic, channel);
    else this.#registry.unregister(this.#producer, topic, channel);
    return 'OK';
  }

  #identify(body: Buffer): string {
    if (this.#producer !== undefined) return 'E_INVALID cannot IDENTIFY again';
    // what a broker says of itself; consumers look at what they use of it
    const fields = JSON.parse(body.toString()) as Partial<Record<string, unknown>>;
    this.#producer = {
      remote_address: this.#remoteAddress,
      hostname: String(fields['hostname']),
      broadcast_address: String(fields['broadcast_address']),
      tcp_port: Number(fields['tcp_port']),
      http_port: Number(fields['http_port']),
      version: String(fields['version']),
    };
    this.#registry.add(this.#producer);
    return JSON.stringify(this.#self);
  }
}

function framed(text: string): Buffer {
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(Buffer.byteLength(text));
  return Buffer.concat([size, Buffer.from(text)]);
}
