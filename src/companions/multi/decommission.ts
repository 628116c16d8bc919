/**
 * Empties a broker that leaves: it has data from a start with more brokers.
 *
 * Topics and channels are made on the brokers that stay. Messages that wait in a topic go to the same topic there.
 * Messages that wait in a channel can go there only if it is the topic's only channel on all brokers, because a publish
 * reaches all channels; and while it has no consumers, because these may have the same message. All other messages are
 * left to their consumers, who find the leaving broker through lookupd as before. When nothing is left the broker ends,
 * and its directory is removed if it has no messages.
 *
 * Ephemeral topics and channels end with their consumers, and are left out.
 *
 * Thread: main.
 */

import { rm } from 'node:fs/promises';
import type { Logger } from '../../daemon/log.ts';
import { checkDirectory } from '../../offline/directory-check.ts';
import type { Clock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { BrokerHttp } from '../operator/broker-http.ts';
import {
  type ChannelStats,
  type NodeStats,
  nodeStats,
  type TopicStats,
} from '../operator/node-stats.ts';
import type { Member } from './member.ts';
import { movePage } from './waiting-messages.ts';

/** The dependencies. Units: bytes. */
export type DecommissionSetup = {
  readonly member: Member;
  /** The brokers that stay. */
  readonly others: () => readonly Member[];
  readonly maxMsgSize: number;
  readonly maxBodySize: number;
  readonly maxReqTimeoutMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

/** The other brokers and their topics. */
type Target = { readonly broker: BrokerHttp; readonly stats: NodeStats };

/** The interval between two queries of the statistics. */
const LOOK_MS = 1000;
const EPHEMERAL = /#ephemeral$/;

export class Decommission {
  readonly #setup: DecommissionSetup;
  #moved = 0;
  #turn = 0;
  /** The last line that was logged. */
  #said = '';
  #isStopped = false;

  constructor(setup: DecommissionSetup) {
    this.#setup = setup;
  }

  /** Resolves when the broker has left, or has ended for another reason. */
  async run(): Promise<void> {
    const { member, clock, logger } = this.#setup;
    const { process } = member;
    void process.ended.then(() => {
      this.#isStopped = true;
    });
    while (!this.#isStopped) {
      try {
        if (process.serving !== null && (await this.#look())) return await this.#leave();
      } catch (error) {
        this.#say(`its messages cannot be moved now - ${errorText(error)}`);
      }
      await Promise.race([
        process.ended,
        new Promise<void>((resolve) => clock.after(LOOK_MS, resolve).unref()),
      ]);
    }
    logger.info(`${member.name} stays until the next start, with what it has`);
  }

  /** Moves what can be moved. Resolves with whether nothing is left. */
  async #look(): Promise<boolean> {
    const { member, others, env } = this.#setup;
    const serving = others().flatMap(({ httpAddress }) => httpAddress ?? []);
    if (member.httpAddress === null || serving.length < others().length) return false;
    const own = new BrokerHttp({ address: member.httpAddress }, env);
    const targets = await Promise.all(
      serving.map(async (address): Promise<Target> => {
        const broker = new BrokerHttp({ address }, env);
        return { broker, stats: await nodeStats(broker) };
      }),
    );
    const { topics } = await nodeStats(own);
    const kept = topics.filter(({ topic_name: name }) => !EPHEMERAL.test(name));
    const reasons: string[] = [];
    for (const topic of kept) {
      await makeNames(topic, targets);
      reasons.push(...(await this.#move(topic, own, targets)));
    }
    if (reasons.length > 0) this.#say(`it waits for consumers: ${reasons.join('; ')}`);
    return reasons.length === 0 && heldBy((await nodeStats(own)).topics) === 0;
  }

  /** Returns why something stays. */
  async #move(topic: TopicStats, own: BrokerHttp, targets: readonly Target[]): Promise<string[]> {
    const name = topic.topic_name;
    // Messages in a topic that has channels and is not paused move on by themselves.
    if (topic.depth > 0) await this.#moveQueue({ topic: name, channel: '' }, own, targets);
    const channels = durable(topic);
    const isAlone =
      channels.length === 1 && targets.every((target) => isOnly(channels[0], topic, target));
    const reasons: string[] = [];
    for (const channel of channels) {
      const queue = `${name}:${channel.channel_name}`;
      if (heldIn(channel) === 0) continue;
      if (channel.client_count > 0) reasons.push(`${queue} has consumers`);
      else if (!isAlone) reasons.push(`${queue} is not the only channel of its topic`);
      else await this.#moveQueue({ topic: name, channel: channel.channel_name }, own, targets);
    }
    return reasons;
  }

  /** Moves all waiting messages, to the other brokers in turn. */
  async #moveQueue(
    queue: { readonly topic: string; readonly channel: string },
    own: BrokerHttp,
    targets: readonly Target[],
  ): Promise<void> {
    const { clock, maxBodySize: batchBytesMax, maxReqTimeoutMs: delayMsMax } = this.#setup;
    for (;;) {
      const nowMs = Number(clock.unixNs() / 1_000_000n);
      const { broker } = targets[this.#turn++ % targets.length];
      const moved = await movePage(own, broker, queue, { nowMs, delayMsMax, batchBytesMax });
      this.#moved += moved;
      if (moved === 0 || this.#isStopped) return;
    }
  }

  async #leave(): Promise<void> {
    const { member, clock, maxMsgSize, logger } = this.#setup;
    const { name, process, plan } = member;
    process.end('SIGTERM');
    await process.ended;
    const onProgress = (): void => undefined;
    const { dataPath } = plan;
    const report = await checkDirectory({ dataPath, maxMsgSize, clock, onProgress });
    const left = report.queues.reduce((sum, { messages }) => sum + messages, 0);
    if (process.lastEnding?.code !== 0 || report.verdict !== 'whole' || left > 0) {
      logger.error(`${name} leaves ${left} messages; its directory stays for the next start`);
      return;
    }
    await rm(dataPath, { recursive: true });
    logger.info(`${name} has left: ${this.#moved} messages were moved, its directory is removed`);
  }

  /** Logs a line once. */
  #say(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    this.#setup.logger.warn(`${this.#setup.member.name} leaves: ${text}`);
  }
}

/** Makes the topic and its channels where they are missing, paused if they are paused here. */
async function makeNames(topic: TopicStats, targets: readonly Target[]): Promise<void> {
  const name = topic.topic_name;
  for (const { broker, stats } of targets) {
    const known = stats.topics.find(({ topic_name: other }) => other === name);
    const ask = async (path: string, channel?: string): Promise<void> => {
      const query = new URLSearchParams({ topic: name, ...(channel !== undefined && { channel }) });
      await broker.ask('POST', `${path}?${query}`);
    };
    if (known === undefined) {
      await ask('/topic/create');
      if (topic.paused) await ask('/topic/pause');
    }
    const names = new Set(known?.channels.map((channel) => channel.channel_name));
    for (const channel of durable(topic)) {
      if (names.has(channel.channel_name)) continue;
      await ask('/channel/create', channel.channel_name);
      if (channel.paused) await ask('/channel/pause', channel.channel_name);
    }
  }
}

/** Whether the target has no other channel of this topic. */
function isOnly(
  channel: ChannelStats,
  { topic_name: name }: TopicStats,
  { stats }: Target,
): boolean {
  const known = stats.topics.find(({ topic_name: other }) => other === name);
  if (known === undefined) return true;
  return durable(known).every((other) => other.channel_name === channel.channel_name);
}

function durable({ channels }: TopicStats): ChannelStats[] {
  return channels.filter(({ channel_name: name }) => !EPHEMERAL.test(name));
}

function heldIn(channel: ChannelStats): number {
  return channel.depth + channel.in_flight_count + channel.deferred_count;
}

function heldBy(topics: readonly TopicStats[]): number {
  const kept = topics.filter(({ topic_name: name }) => !EPHEMERAL.test(name));
  return kept.reduce((sum, topic) => {
    const channels = durable(topic).reduce((held, channel) => held + heldIn(channel), 0);
    return sum + topic.depth + channels;
  }, 0);
}
