/**
 * `ringmq ls` and `ringmq stat`: the topics and channels of a broker, in tables.
 *
 * Thread: main.
 */

import { Refused } from './failures.ts';
import {
  type ChannelStats,
  type ConsumerStats,
  type NodeStats,
  nodeStats,
  sumOf,
  type TopicStats,
} from './node-stats.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';
import type { QueueName } from './queue-name.ts';
import { table } from './table.ts';

const PAUSED = 'paused';

/** `ringmq ls`. */
export const runLs = operatorCommand({
  name: 'ls',
  does: 'lists topics, or the channels of a topic',
  forms: ['[TOPIC]'],
  examples: ['', 'orders', '--json'],
  needsNoWords: true,
  flags: {},
  run: async (call) => {
    const { topic } = call.named([], ['topic']);
    const { topics } = await nodeStats(call.broker, { topic });
    if (topic === '') {
      call.print(topics, () =>
        topics.length === 0 ? 'there are no topics\n' : topicTable(topics),
      );
      return;
    }
    const [found] = topics;
    if (found === undefined) throw new Refused('topic not found');
    call.print(found.channels, () => {
      return found.channels.length === 0 ? 'there are no channels\n' : channelTable(found.channels);
    });
  },
});

const WHOLE_BROKER: QueueName = { topic: '', channel: '' };

/** `ringmq stat`. */
export const runStat = operatorCommand({
  name: 'stat',
  does: 'shows the counters of a broker, a topic or a channel',
  forms: ['', 'TOPIC', 'TOPIC:CHANNEL'],
  examples: ['', 'orders', 'orders:billing --json'],
  notes:
    'With --topic or another flag of nsq_stat it behaves as that tool; see ringmq nsq_stat --help.',
  needsNoWords: true,
  flags: {},
  run: async (call) => {
    const { topic, channel } = call.words.length === 0 ? WHOLE_BROKER : call.queue();
    const stats = await nodeStats(call.broker, { topic, channel, withClients: channel !== '' });
    if (topic === '') return printNode(call, stats);
    const [found] = stats.topics;
    const [part] = found?.channels ?? [];
    if (channel === '') {
      if (found === undefined) throw new Refused('topic not found');
      call.print(found, () => fields(found) + spaced(found.channels, channelTable));
      return;
    }
    if (part === undefined) throw new Refused('topic or channel not found');
    call.print(part, () => fields(part) + spaced(part.clients, clientTable));
  },
});

function printNode(call: OperatorCall<Record<never, never>>, { topics, ...node }: NodeStats): void {
  const total = {
    topics: topics.length,
    channels: 0,
    messages: 0,
    in_flight: 0,
    deferred: 0,
    consumers: 0,
  };
  for (const topic of topics) {
    total.channels += topic.channels.length;
    total.messages += topic.depth + sumOf(topic, 'depth');
    total.in_flight += sumOf(topic, 'in_flight_count');
    total.deferred += sumOf(topic, 'deferred_count');
    total.consumers += sumOf(topic, 'client_count');
  }
  const { version, health, start_time } = node;
  const started = new Date(start_time * 1000).toISOString();
  const value = { version, health, started, ...total };
  call.print(value, () => fields(value));
}

function topicTable(topics: readonly TopicStats[]): string {
  return table(
    ['TOPIC', 'CHANNELS', 'DEPTH', 'IN CHANNELS', 'IN FLIGHT', 'DEFERRED', 'PUBLISHED', 'STATE'],
    topics.map((topic) => [
      topic.topic_name,
      String(topic.channels.length),
      String(topic.depth),
      String(sumOf(topic, 'depth')),
      String(sumOf(topic, 'in_flight_count')),
      String(sumOf(topic, 'deferred_count')),
      String(topic.message_count),
      topic.paused ? PAUSED : '-',
    ]),
  );
}

function channelTable(channels: readonly ChannelStats[]): string {
  return table(
    [
      'CHANNEL',
      'DEPTH',
      'ON DISK',
      'IN FLIGHT',
      'DEFERRED',
      'REQUEUED',
      'TIMED OUT',
      'CONSUMERS',
      'STATE',
    ],
    channels.map((channel) => [
      channel.channel_name,
      String(channel.depth),
      String(channel.backend_depth),
      String(channel.in_flight_count),
      String(channel.deferred_count),
      String(channel.requeue_count),
      String(channel.timeout_count),
      String(channel.client_count),
      channel.paused ? PAUSED : '-',
    ]),
  );
}

function clientTable(clients: readonly ConsumerStats[]): string {
  return table(
    ['CONSUMER', 'ADDRESS', 'READY', 'IN FLIGHT', 'DELIVERED', 'FINISHED', 'REQUEUED', 'AGENT'],
    clients.map((client) => [
      client.client_id,
      client.remote_address,
      String(client.ready_count),
      String(client.in_flight_count),
      String(client.message_count),
      String(client.finish_count),
      String(client.requeue_count),
      client.user_agent,
    ]),
  );
}

/** The plain fields, one a line. */
function fields(value: object): string {
  const rows = Object.entries(value)
    .filter(([, part]) => typeof part !== 'object')
    .map(([name, part]) => [name.replaceAll('_', ' '), String(part)]);
  return table(['FIELD', 'VALUE'], rows);
}

/** A table below another one; empty without rows. */
function spaced<Row>(rows: readonly Row[], print: (rows: readonly Row[]) => string): string {
  return rows.length === 0 ? '' : `\n${print(rows)}`;
}
