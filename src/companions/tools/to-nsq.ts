/**
 * `ringmq to-nsq`: publishes records of standard input; replaces to_nsq.
 *
 * Each record goes to each broker. Records are sent without waiting for earlier answers; reading pauses while too many
 * are unanswered. A lost connection is reopened, and unanswered records are sent again.
 *
 * Bound: `UNANSWERED_BYTES` and a chunk of the input for each broker, and one record. Thread: main.
 * Source: nsq `apps/to_nsq`. Differs in sending several records at a time, and in publishing the last one whole.
 */

import { once } from 'node:events';
import { Producer } from '../../client/client.ts';
import { integer, text, texts } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseTopicName } from '../../shared/names.ts';
import { DONE_CODE } from '../companion.ts';
import { PRODUCER_OPTS, producerOptions } from './consumer-flags.ts';
import { RateLimit } from './rate-limit.ts';
import { RecordSplitter } from './record-splitter.ts';
import { repeat } from './repeat.ts';
import { Fatal, type ToolCall, tool, userAgentOf } from './tool.ts';

const ORIGINAL = 'to_nsq';
const MIB = 1024 * 1024;
const RECORD_BYTES_MAX = 64 * MIB;
const UNANSWERED_BYTES = 4 * MIB;
const PROGRESS_MS = 10_000;

const TABLE = {
  topic: option(text, 'Destination', 'topic', '', 'NSQ topic to publish to'),
  addresses: option(
    texts,
    'Destination',
    'nsqd-tcp-address',
    [],
    'destination nsqd TCP address (may be given multiple times; each gets every message)',
  ),
  producerOpts: PRODUCER_OPTS,
  delimiter: option(
    text,
    'Input',
    'delimiter',
    '\n',
    'the byte that ends a record of standard input',
  ),
  rate: option(integer, 'Input', 'rate', 0, 'throttle messages to n/second, 0 to disable'),
};

/** `ringmq to-nsq`. */
export const runToNsq = tool({
  name: 'to-nsq',
  original: ORIGINAL,
  does: 'Publishes the records of standard input, which are lines unless --delimiter says otherwise',
  examples: [
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 < orders.ndjson',
    '--topic=orders --nsqd-tcp-address=10.0.0.1:4150 --nsqd-tcp-address=10.0.0.2:4150 --rate=500',
  ],
  table: TABLE,
  run: async (call) => {
    const { topic, delimiter, addresses, rate } = call.values;
    if (topic === '') throw new Fatal('--topic required');
    const delimiterBytes = Buffer.from(delimiter);
    if (delimiterBytes.length !== 1) throw new Fatal('--delimiter must be a single byte');
    if (parseTopicName(topic) === undefined) throw new Fatal(`invalid topic name ${topic}`);
    if (addresses.length === 0) throw new Fatal('--nsqd-tcp-address required');
    if (rate > 0) call.log(`Throttling messages rate to max:${rate}/second`);
    const publishing = new Publishing(call);
    return await publishing.run(new RecordSplitter(delimiterBytes[0], RECORD_BYTES_MAX));
  },
});

/** The records on their way to the brokers. */
class Publishing {
  readonly #call: ToolCall<typeof TABLE>;
  readonly #producers: readonly Producer[];
  readonly #rate: RateLimit;
  readonly #failed = Promise.withResolvers<never>();
  #connecting: Promise<unknown> | null = null;
  /** Accepted by a broker; counted once for each broker. */
  #acceptedCount = 0;
  #isStopped = false;

  constructor(call: ToolCall<typeof TABLE>) {
    const { values, clock, log } = call;
    this.#call = call;
    this.#rate = new RateLimit(Math.max(0, values.rate), clock);
    // Nothing awaits a failure after the last race.
    this.#failed.promise.catch(() => undefined);
    const options = producerOptions(values.producerOpts);
    this.#producers = [...new Set(values.addresses)].map((address) => {
      const producer = new Producer({
        userAgent: userAgentOf(ORIGINAL),
        ...options,
        nsqd: [address],
        highWaterMarkBytes: UNANSWERED_BYTES,
        maxQueuedBytes: 2 * RECORD_BYTES_MAX,
      });
      producer.on('error', (error) => log(`(${address}) ${errorText(error)}`));
      return producer;
    });
  }

  /** Resolves with the exit code. */
  async run(splitter: RecordSplitter): Promise<number> {
    const { clock, stopped, log } = this.#call;
    void stopped.then(() => {
      this.#isStopped = true;
    });
    const endProgress = repeat(clock, PROGRESS_MS, () => log(this.#progress()));
    try {
      await Promise.race([this.#publishInput(splitter), this.#failed.promise]);
      await Promise.race([this.#close(), this.#failed.promise]);
      return DONE_CODE;
    } finally {
      endProgress();
      // Nothing more is sent after a failure.
      await Promise.all(this.#producers.map((producer) => producer.close({ deadlineMs: 0 })));
      log(this.#progress());
    }
  }

  async #close(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.close()));
  }

  async #publishInput(splitter: RecordSplitter): Promise<void> {
    const input = this.#call.context.input();
    void this.#call.stopped.then(() => input.destroy());
    try {
      for await (const chunk of input) await this.#publish(splitter.split(chunk));
    } catch (error) {
      if (this.#isStopped) return;
      const isReadError = error instanceof Error && 'syscall' in error;
      throw isReadError ? new Fatal(`failed to read standard input - ${errorText(error)}`) : error;
    }
    const last = splitter.end();
    if (last !== null) await this.#publish([last]);
  }

  /** Resolves when they are sent, or wait to be sent and there is room for more. */
  async #publish(records: readonly Buffer[]): Promise<void> {
    for (let at = 0; at < records.length; ) {
      const count = await this.#rate.take(records.length - at);
      if (this.#isStopped) return;
      this.#connecting ??= Promise.all(this.#producers.map((producer) => producer.connect()));
      await this.#connecting;
      for (const producer of this.#producers) {
        for (const record of records.slice(at, at + count)) this.#send(producer, record);
      }
      for (const producer of this.#producers) {
        if (producer.writableNeedDrain) await once(producer, 'drain');
      }
      at += count;
    }
  }

  #send(producer: Producer, record: Buffer): void {
    producer.publish(this.#call.values.topic, record).then(
      () => {
        this.#acceptedCount += 1;
      },
      (error: unknown) => {
        this.#failed.reject(new Fatal(`failed to publish - ${errorText(error)}`));
      },
    );
  }

  #progress(): string {
    const count = Math.floor(this.#acceptedCount / this.#producers.length);
    return `published ${count} messages to ${this.#call.values.topic}`;
  }
}
