/**
 * The consumers of a tool: one for each topic, on the same channel.
 *
 * As with the originals, a tool with broker addresses ends if one of them cannot be reached at the start. A connection
 * that is lost later is opened again.
 *
 * Thread: main.
 */

import { Consumer, type Message } from '../../client/client.ts';
import { errorText } from '../../shared/error-text.ts';
import { type SourceValues, sourceOptions } from './consumer-flags.ts';
import { Fatal, userAgentOf } from './tool.ts';

/** What is consumed, and how. */
type SourceSetup = {
  readonly original: string;
  readonly topics: readonly string[];
  readonly channel: string;
  readonly maxInFlight: number;
  readonly values: SourceValues;
  readonly log: (line: string) => void;
};

/**
 * Logs when no broker of the topic is known to the nsqlookupds, once until there is one. Without it a wrong topic name
 * would look like a topic without messages.
 */
export function logMissingBrokers(
  consumer: Consumer,
  topic: string,
  log: (line: string) => void,
): void {
  let isMissing = false;
  consumer.on('lookup', (addresses) => {
    const wasMissing = isMissing;
    isMissing = addresses.length === 0;
    if (isMissing && !wasMissing) {
      log(`no nsqlookupd knows a broker that has the topic ${topic}; waiting for one`);
    }
  });
}

export class Source {
  readonly #setup: SourceSetup;
  readonly #failed: Promise<never>;
  readonly #onFailure: (error: Fatal) => void;
  readonly #consumers: Consumer[] = [];

  /** Does not connect yet. Errors: throws a `Fatal` or an `NsqError` for invalid options. */
  constructor(setup: SourceSetup) {
    this.#setup = setup;
    const { promise, reject } = Promise.withResolvers<never>();
    this.#failed = promise;
    this.#onFailure = reject;
    // After the end no one waits for a failure.
    this.#failed.catch(() => undefined);
    const options = sourceOptions(setup.values);
    const { original, channel, maxInFlight } = setup;
    for (const topic of new Set(setup.topics)) {
      const own = { topic, channel, maxInFlight };
      this.#consumers.push(new Consumer({ userAgent: userAgentOf(original), ...options, ...own }));
    }
  }

  /** Calls `check` with each broker that is connected to. What it throws ends the source as a failure. */
  onConnect(check: (address: string) => void): void {
    for (const consumer of this.#consumers) {
      consumer.on('connect', (address) => {
        try {
          check(address);
        } catch (error) {
          if (!(error instanceof Fatal)) throw error;
          this.#onFailure(error);
        }
      });
    }
  }

  /** Consumes. `handlerOf`: makes the handler of a topic. */
  start(handlerOf: (topic: string) => (message: Message) => unknown, concurrency: number): void {
    const topics = new Set(this.#setup.topics).values();
    for (const consumer of this.#consumers) {
      const topic = topics.next().value ?? '';
      this.#watch(consumer, topic);
      void consumer.run(handlerOf(topic), { concurrency });
    }
  }

  /**
   * Resolves after `end`, when all messages in handlers are answered and the others are returned. Errors: rejects with
   * a `Fatal`; then messages in handlers stay unanswered.
   */
  async runUntil(end: Promise<unknown>): Promise<void> {
    try {
      await Promise.race([end, this.#failed]);
      await this.#close();
    } catch (error) {
      await this.#close({ deadlineMs: 0 });
      throw error;
    }
  }

  async #close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close(options)));
  }

  #watch(consumer: Consumer, topic: string): void {
    const { channel, log, values } = this.#setup;
    const label = `[${topic}/${channel}]`;
    const reached = new Set<string>();
    consumer.on('connect', (address) => {
      reached.add(address);
      log(`${label} connected to ${address}`);
    });
    logMissingBrokers(consumer, topic, (line) => log(`${label} ${line}`));
    consumer.on('error', (error) => {
      const { address = '' } = error;
      const isFirst = values.nsqdAddresses.length > 0 && !reached.has(address);
      if (isFirst) this.#onFailure(new Fatal(`${label} ${errorText(error)}`));
      else log(`${label} ${errorText(error)}`);
    });
    consumer.on('failure', (error, { id }) => {
      log(`${label} message ${id} failed - ${errorText(error)}`);
    });
    consumer.on('backoff', (level, delayMs) => {
      log(`${label} backing off for ${Math.round(delayMs)} ms (level ${level})`);
    });
  }
}
