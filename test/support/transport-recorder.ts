/** The events of a transport, as lines, and its input. */

import type { Transport } from '../../src/main/tcp/transport.ts';

export class TransportRecorder {
  /** The number of bytes so far. */
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

  /** Resolves as soon as this many bytes have arrived. */
  whenBytes(count: number): Promise<void> {
    return this.#when(() => this.count >= count);
  }

  /** Resolves as soon as an event has occurred. */
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

/** Writes to a transport. Resolves when the bytes are accepted. */
export function written(transport: Transport, ...buffers: Buffer[]): Promise<void> {
  return new Promise((resolve) => transport.write(buffers, resolve));
}
