/** What a transport has told, as lines, and what it was sent. */

import type { Transport } from '../../src/main/tcp/transport.ts';

export class TransportRecorder {
  /** How many bytes so far. */
  count = 0;
  /** `end`, `error …` and `close`, in order. */
  readonly events: string[] = [];
  /** Called with every piece of bytes. */
  onBytes: (bytes: Buffer) => void = () => undefined;
  readonly #pieces: Buffer[] = [];
  #checks: (() => void)[] = [];

  /** Listens to a transport. */
  constructor(transport: Transport) {
    transport.listen({
      onData: (bytes) => {
        this.count += bytes.length;
        this.#pieces.push(Buffer.from(bytes));
        this.onBytes(bytes);
        this.#check();
      },
      onEnd: () => this.#tell('end'),
      onError: (error) => this.#tell(`error ${error.message}`),
      onClose: () => this.#tell('close'),
    });
  }

  /** All bytes so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** Resolves as soon as so many bytes have come. */
  whenBytes(count: number): Promise<void> {
    return this.#when(() => this.count >= count);
  }

  /** Resolves as soon as an event has been told. */
  whenEvent(event: string): Promise<void> {
    return this.#when(() => this.events.includes(event));
  }

  #tell(event: string): void {
    this.events.push(event);
    this.#check();
  }

  #when(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isSo()) return;
        this.#checks = this.#checks.filter((other) => other !== check);
        resolve();
      };
      this.#checks.push(check);
      check();
    });
  }

  #check(): void {
    for (const check of this.#checks) check();
  }
}

/** Writes to a transport, and resolves when it is taken. */
export function written(transport: Transport, ...buffers: Buffer[]): Promise<void> {
  return new Promise((resolve) => transport.write(buffers, resolve));
}
