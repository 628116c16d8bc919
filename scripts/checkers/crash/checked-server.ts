/** The server that the crash checker checks: one broker, or several as one. */

import {
  type BrokerProcess,
  type CheckedSetup,
  type Ending,
  launchBroker,
} from '../../kit/broker.ts';

/** One broker, as consumers and operators see it. */
export type CheckedBroker = {
  readonly tcpPort: number;
  readonly httpPort: number;
  readonly dataPath: string;
};

/** A server from its start to its end. */
export interface CheckedServer {
  /** The address for publishers, once it listens. */
  readonly tcpPort: number;
  /** All brokers, once they listen. */
  readonly brokers: readonly CheckedBroker[];
  readonly hasEnded: boolean;
  readonly ended: Promise<Ending>;
  readonly log: string;
  /** Errors: rejects if it ends before. */
  listening(): Promise<void>;
  /** The answer to a GET of all brokers together. */
  ask(pathAndQuery: string): Promise<string>;
  /** Shuts it down as an operator does. */
  stop(): Promise<Ending>;
  /** Ends it, at least a part of it as a power failure does. */
  kill(): Promise<void>;
  /** Kills all of it. */
  destroy(): Promise<void>;
}

/** The answer of one broker to a request. Errors: rejects unless the answer is 200. */
export async function askPort(
  httpPort: number,
  pathAndQuery: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${httpPort}${pathAndQuery}`, { method });
  const text = await response.text();
  if (response.status === 200) return text;
  throw new Error(`ask for "${pathAndQuery}": ${response.status} ${text}`);
}

/** One broker. */
export class SingleServer implements CheckedServer {
  readonly #broker: BrokerProcess;
  readonly #dataPath: string;

  constructor(setup: CheckedSetup) {
    this.#broker = launchBroker(setup);
    this.#dataPath = setup.dataPath;
  }

  get tcpPort(): number {
    return this.#broker.tcpPort;
  }

  get brokers(): readonly CheckedBroker[] {
    const { tcpPort, httpPort } = this.#broker;
    return [{ tcpPort, httpPort, dataPath: this.#dataPath }];
  }

  get hasEnded(): boolean {
    return this.#broker.hasEnded;
  }

  get ended(): Promise<Ending> {
    return this.#broker.ended;
  }

  get log(): string {
    return this.#broker.log;
  }

  listening(): Promise<void> {
    return this.#broker.listening();
  }

  ask(pathAndQuery: string): Promise<string> {
    return askPort(this.#broker.httpPort, pathAndQuery);
  }

  stop(): Promise<Ending> {
    return this.#broker.stop();
  }

  async kill(): Promise<void> {
    await this.#broker.kill();
  }

  destroy(): Promise<void> {
    return this.kill();
  }
}
