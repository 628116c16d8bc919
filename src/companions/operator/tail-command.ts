/**
 * `ringmq tail`: prints the messages of a topic as they are published, from a channel of its own, so that no other
 * consumer misses one.
 *
 * Thread: main.
 */

import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { Consumer } from '../../client/consumer.ts';
import type { Message } from '../../client/message.ts';
import { terminalJson } from '../../daemon/terminal-json.ts';
import { errorText } from '../../shared/error-text.ts';
import { Refused, Unreachable } from './failures.ts';
import { integerFlag } from './flags.ts';
import { nodeStats } from './node-stats.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';

const FLAGS = {
  limit: { value: 'N', help: 'end after N messages' },
  'tcp-address': {
    value: 'HOST:PORT',
    help: 'TCP address of the broker, if it does not report it',
  },
  tls: { help: 'TLS for the TCP port too; an https:// address implies it' },
} as const;

const RANDOM_BYTES = 4;
/** A slow terminal must not take the broker's memory. */
const MAX_IN_FLIGHT = 100;

/** `ringmq tail`. */
export const runTail = operatorCommand({
  name: 'tail',
  does: 'prints the messages of a topic as they are published',
  forms: ['TOPIC'],
  examples: ['orders', 'orders --limit=10 --json'],
  notes: `It consumes from a temporary channel, so it shows only messages that are published while it runs.
It refuses a topic whose messages wait for its first channel: tail would consume them. With --json
each message is a line. With --topic or another flag of nsq_tail it behaves as that tool; see
ringmq nsq_tail --help.`,
  flags: FLAGS,
  run: async (call) => {
    const { topic } = call.named(['topic']);
    const limit = integerFlag('limit', call.flags.limit, Number.POSITIVE_INFINITY, 1);
    const [found] = (await nodeStats(call.broker, { topic })).topics;
    if (found === undefined) throw new Refused('topic not found');
    if (found.channels.length === 0 && found.depth > 0) {
      throw new Refused(
        `${found.depth} messages wait in ${topic} for its first channel: create one first`,
      );
    }
    const consumer = new Consumer({
      topic,
      channel: `tail-${randomBytes(RANDOM_BYTES).toString('hex')}#ephemeral`,
      nsqd: [await tcpAddress(call)],
      maxInFlight: MAX_IN_FLIGHT,
      clientId: 'ringmq-tail',
      tls: call.flags.tls === true || call.broker.url.startsWith('https:'),
      ...(call.broker.secret !== undefined && { authSecret: call.broker.secret }),
    });
    const failure = Promise.withResolvers<never>();
    consumer.on('error', (error) => failure.reject(new Unreachable(errorText(error))));
    void call.context.interrupted().then(() => consumer.close());
    try {
      await Promise.race([print(call, consumer, limit), failure.promise]);
    } finally {
      await consumer.close();
    }
  },
});

async function print(
  call: OperatorCall<typeof FLAGS>,
  consumer: Consumer,
  limit: number,
): Promise<void> {
  let count = 0;
  for await (const message of consumer) {
    call.context.stdout(call.isJson ? jsonLine(message) : `${message.body}\n`);
    message.finish();
    count += 1;
    if (count === limit) return;
  }
}

function jsonLine({ id, timestampMs, attempts, body }: Message): string {
  const isText = isUtf8(body);
  return `${terminalJson({
    id,
    published: new Date(timestampMs).toISOString(),
    attempts,
    encoding: isText ? 'text' : 'base64',
    body: body.toString(isText ? 'utf8' : 'base64'),
  })}\n`;
}

/** On the host of the HTTP address. */
async function tcpAddress(call: OperatorCall<typeof FLAGS>): Promise<string> {
  const given = call.flags['tcp-address'];
  if (given !== undefined) return given;
  const { tcp_port: port } = (await call.broker.ask('GET', '/info')) as { tcp_port: number };
  return `${new URL(call.broker.url).hostname}:${port}`;
}
