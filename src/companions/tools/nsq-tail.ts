/**
 * `ringmq nsq_tail`: prints the messages of topics; replaces nsq_tail.
 *
 * A message is finished when it is printed.
 *
 * Thread: main.
 * Source: nsq `apps/nsq_tail`. Differs in finishing the last message of `-n` too.
 */

import { randomInt } from 'node:crypto';
import { boolean, integer, text, texts } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { DONE_CODE } from '../companion.ts';
import { MAX_IN_FLIGHT, SOURCE_TABLE } from './consumer-flags.ts';
import { OutputBatches } from './output-batches.ts';
import { pushRecord, type RecordFormat } from './record-format.ts';
import { Source } from './source.ts';
import { Fatal, tool } from './tool.ts';

const ORIGINAL = 'nsq_tail';
const CHANNEL_NUMBERS = 999_999;
const CHANNEL_DIGITS = 6;

/** `ringmq nsq_tail`, and `ringmq tail` with its flags. */
export const runNsqTail = tool({
  name: ORIGINAL,
  original: ORIGINAL,
  does: 'Prints the messages of topics to standard output, a line each',
  examples: [
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150',
    '--topic=orders --topic=refunds --print-topic --lookupd-http-address=127.0.0.1:4161',
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 -n 10 --json',
  ],
  table: {
    ...SOURCE_TABLE,
    topics: option(texts, 'Source', 'topic', [], 'NSQ topic (may be given multiple times)'),
    channel: option(
      text,
      'Source',
      'channel',
      '',
      'NSQ channel; without it an ephemeral one of its own, so that no consumer misses a message',
    ),
    maxInFlight: MAX_IN_FLIGHT,
    limit: option(
      integer,
      'Output',
      'n',
      0,
      'total messages to show of a topic (will wait if starved); 0 or less: all',
    ),
    printsTopic: option(
      boolean,
      'Output',
      'print-topic',
      false,
      'print topic name where message was received',
    ),
    isJson: option(
      boolean,
      'Output',
      'json',
      false,
      'print an object with topic, id, timestamp, attempts and body for each message',
    ),
  },
  run: async ({ values, context, stopped, log }) => {
    const { topics, channel, limit, printsTopic, isJson } = values;
    const source = new Source({
      original: ORIGINAL,
      topics,
      channel: channel === '' ? ownChannel() : channel,
      // Requests no more messages than it still needs.
      maxInFlight: limit > 0 ? Math.min(limit, values.maxInFlight) : values.maxInFlight,
      values,
      log,
    });
    if (topics.length === 0) throw new Fatal('--topic required');
    const output = new OutputBatches(context.output);
    const format: RecordFormat = isJson ? 'ndjson' : 'lines';
    const complete = Promise.withResolvers<void>();
    source.start((topic) => {
      log(`Adding consumer for topic: ${topic}`);
      const prefix = printsTopic && !isJson ? Buffer.from(`${topic} | `) : null;
      let count = 0;
      return (message) => {
        if (limit > 0 && count === limit) return message.requeue({ delayMs: 0, backoff: false });
        count += 1;
        const printed = output.add((pieces) => {
          if (prefix !== null) pieces.push(prefix);
          pushRecord(pieces, message, format);
        });
        if (count === limit) void printed.then(complete.resolve);
        return printed;
      };
    }, values.maxInFlight);
    await source.runUntil(Promise.race([stopped, complete.promise]));
    return DONE_CODE;
  },
});

function ownChannel(): string {
  return `tail${randomInt(CHANNEL_NUMBERS).toString().padStart(CHANNEL_DIGITS, '0')}#ephemeral`;
}
