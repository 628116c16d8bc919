/**
 * `ringmq mirror`: copies the topics of a running nsqd or RingMQ to another one, with their channels.
 *
 * The target gets the topics and channels before any message. Each topic of the source gets one more channel. Its
 * messages are published to the target, and finished when the target has accepted them. The channel stays when the
 * mirror ends, and keeps the remaining messages for the next run.
 *
 * Bound: `TOPICS_MAX` topics, and the unanswered messages of each. Thread: main.
 */

import { type Message, Producer } from '../../client/client.ts';
import { boolean, duration, text, texts } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseChannelName, parseTopicName } from '../../shared/names.ts';
import { DONE_CODE } from '../companion.ts';
import { BrokerHttp } from '../operator/broker-http.ts';
import { CommandFailure } from '../operator/failures.ts';
import { type NodeStats, nodeStats } from '../operator/node-stats.ts';
import { table } from '../operator/table.ts';
import { MAX_IN_FLIGHT, PRODUCER_OPTS, producerOptions, SOURCE_TABLE } from './consumer-flags.ts';
import {
  EPHEMERAL,
  MIRROR_CHANNEL,
  type MirroredTopic,
  mirrorCounts,
  mirroredTopics,
  missingParts,
} from './mirror-layout.ts';
import { repeat } from './repeat.ts';
import { Source } from './source.ts';
import { Fatal, positive, type ToolCall, tool, userAgentOf } from './tool.ts';

const NAME = 'mirror';
const SECOND_MS = 1000;
/** Each topic has a connection of its own. */
const TOPICS_MAX = 1000;
const PROGRESS_MS = 10 * SECOND_MS;
/** How often the mirror checks whether the source is empty. */
const EMPTY_MS = SECOND_MS;
const RECONNECT_MS = SECOND_MS;
/** A target that does not answer for this long has failed; the message is requeued. */
const PUBLISH_MS = 10 * SECOND_MS;
/** The longest pause after failures of the target. */
const BACKOFF = 'max_backoff_duration,10s';

const TABLE = {
  sourceHttp: option(text, 'Source', 'nsqd-http-address', '', 'HTTP address of the source'),
  sourceTcp: option(
    text,
    'Source',
    'nsqd-tcp-address',
    '',
    'TCP address of the source (default: the host of its HTTP address, and the port that it reports)',
  ),
  token: option(
    text,
    'Source',
    'token',
    '',
    'token for a source with --http-access (default: RINGMQ_TOKEN)',
  ),
  topics: option(
    texts,
    'Source',
    'topic',
    [],
    'topic to copy (may be given multiple times; default: all, also those that are created later)',
  ),
  movedChannel: option(
    text,
    'Source',
    'move',
    '',
    'move the messages of this channel, which must be the only one of each topic, and copy none',
  ),
  maxInFlight: MAX_IN_FLIGHT,
  consumerOpts: SOURCE_TABLE.consumerOpts,
  refreshMs: option(
    duration,
    'Source',
    'refresh',
    PROGRESS_MS,
    'how often the source is asked for new topics and channels',
    positive,
  ),
  targetHttp: option(
    text,
    'Destination',
    'destination-nsqd-http-address',
    '',
    'HTTP address of the target',
  ),
  targetTcp: option(
    text,
    'Destination',
    'destination-nsqd-tcp-address',
    '',
    'TCP address of the target (default: the host of its HTTP address, and the port that it reports)',
  ),
  targetToken: option(
    text,
    'Destination',
    'destination-token',
    '',
    'token for a target with --http-access',
  ),
  producerOpts: PRODUCER_OPTS,
  untilEmpty: option(
    boolean,
    'Output',
    'until-empty',
    false,
    'end when all that was published to the source is copied',
  ),
  isJson: option(boolean, 'Output', 'json', false, 'print the final counts as JSON'),
};

/** The flags and variables of the addresses and tokens of both sides, for error messages. */
const SOURCE_FLAGS = { address: '--nsqd-http-address', token: '--token or RINGMQ_TOKEN' };
const TARGET_FLAGS = {
  address: '--destination-nsqd-http-address',
  token: '--destination-token',
};

type Call = ToolCall<typeof TABLE>;

/** `ringmq mirror`. */
export const runMirror = tool({
  name: NAME,
  does: 'Copies the topics of a running nsqd or RingMQ to another one, with their channels',
  examples: [
    '--nsqd-http-address=old:4151 --destination-nsqd-http-address=new:4151',
    '--nsqd-http-address=old:4151 --destination-nsqd-http-address=new:4151 --until-empty',
    '--nsqd-http-address=old:4151 --destination-nsqd-http-address=new:4151 --topic=orders ' +
      '--move=billing',
  ],
  table: TABLE,
  refusesWords: true,
  run: async (call) => {
    const { sourceHttp, targetHttp } = call.values;
    if (sourceHttp === '') throw new Fatal('--nsqd-http-address required');
    if (targetHttp === '') throw new Fatal('--destination-nsqd-http-address required');
    checkNames(call.values);
    try {
      return await new Mirror(call).run();
    } catch (error) {
      throw error instanceof CommandFailure ? new Fatal(errorText(error)) : error;
    }
  },
});

function checkNames({ topics, movedChannel }: Call['values']): void {
  for (const topic of topics) {
    if (parseTopicName(topic) === undefined) throw new Fatal(`invalid topic name ${topic}`);
    if (topic.endsWith(EPHEMERAL)) {
      throw new Fatal(
        `${topic}: an ephemeral topic is not copied, because it ends with its consumers`,
      );
    }
  }
  if (movedChannel !== '' && parseChannelName(movedChannel) === undefined) {
    throw new Fatal(`--move: invalid channel name ${movedChannel}`);
  }
}

/** A topic that is copied. */
type Copy = {
  readonly ended: Promise<void>;
  /** Messages of the target's topic before the mirror started. */
  readonly targetBefore: number;
  /** Messages that the target has accepted. */
  count: number;
};

class Mirror {
  readonly #call: Call;
  readonly #source: BrokerHttp;
  readonly #target: BrokerHttp;
  readonly #channel: string;
  readonly #copies = new Map<string, Copy>();
  readonly #end = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  #sourceTcp = '';
  #isRefreshing = false;
  #producer: Producer | null = null;

  constructor(call: Call) {
    const { values, context } = call;
    const { sourceHttp, token, targetHttp, targetToken, movedChannel } = values;
    this.#call = call;
    const ownToken = token === '' ? undefined : token;
    const address = { address: sourceHttp, token: ownToken, sources: SOURCE_FLAGS };
    this.#source = new BrokerHttp(address, context.env);
    const target = { address: targetHttp, token: targetToken, sources: TARGET_FLAGS };
    // The token in the environment is the source's.
    this.#target = new BrokerHttp(target, {});
    this.#channel = movedChannel === '' ? MIRROR_CHANNEL : movedChannel;
    // Nothing awaits a failure after the race in `run`.
    this.#failed.promise.catch(() => undefined);
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    const { values, clock, stopped, log } = this.#call;
    this.#producer = await this.#connect();
    const endings: (() => void)[] = [];
    try {
      await this.#refresh();
      endings.push(repeat(clock, values.refreshMs, () => this.#refreshAgain()));
      endings.push(repeat(clock, PROGRESS_MS, () => this.#logProgress()));
      if (values.untilEmpty) endings.push(repeat(clock, EMPTY_MS, () => this.#endIfEmpty()));
      await Promise.race([stopped, this.#end.promise, this.#failed.promise]);
    } finally {
      for (const end of endings) end();
      this.#end.resolve();
      await Promise.allSettled([...this.#copies.values()].map(({ ended }) => ended));
      await this.#producer.close({ deadlineMs: 0 });
    }
    log('the end; counts of both sides:');
    await this.#printCounts();
    return DONE_CODE;
  }

  /** Errors: rejects with a `Fatal` if both addresses are the same broker. */
  async #connect(): Promise<Producer> {
    const { values, log } = this.#call;
    const [source, target] = await Promise.all([infoOf(this.#source), infoOf(this.#target)]);
    if (source.identity === target.identity) throw new Fatal('source and target are one broker');
    this.#sourceTcp = values.sourceTcp === '' ? source.tcp : values.sourceTcp;
    const producer = new Producer({
      userAgent: userAgentOf(NAME),
      ...producerOptions(values.producerOpts),
      nsqd: [values.targetTcp === '' ? target.tcp : values.targetTcp],
      timeoutMs: PUBLISH_MS,
      maxReconnectMs: RECONNECT_MS,
      // The source redelivers the message.
      resendAfterLoss: false,
    });
    producer.on('error', (error) => log(`target: ${errorText(error)}`));
    try {
      await producer.connect();
    } catch (error) {
      // It would keep connecting, which keeps the process alive.
      await producer.close({ deadlineMs: 0 });
      throw error;
    }
    return producer;
  }

  #refreshAgain(): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.#refresh()
      .catch((error: unknown) => {
        if (error instanceof Fatal) this.#failed.reject(error);
        else this.#call.log(`asking for new topics failed - ${errorText(error)}`);
      })
      .finally(() => {
        this.#isRefreshing = false;
      });
  }

  /** Creates what the target lacks, then starts to copy new topics. */
  async #refresh(): Promise<void> {
    const { values, log } = this.#call;
    const [source, target] = await Promise.all([nodeStats(this.#source), nodeStats(this.#target)]);
    const topics = mirroredTopics(source, values.topics);
    this.#checkTopics(topics);
    if (topics.length > TOPICS_MAX) {
      throw new Fatal(`${topics.length} topics are more than ${TOPICS_MAX}: choose with --topic`);
    }
    if (values.movedChannel !== '') for (const topic of topics) this.#checkMove(topic);
    for (const path of missingParts(topics, target)) {
      await this.#target.ask('POST', path);
      log(`target: ${path}`);
    }
    for (const { name } of topics) {
      if (!this.#copies.has(name)) await this.#begin(name, target);
    }
  }

  /** A topic of `--topic` must be there at the start, and is only then missed: later its copying just pauses. */
  #checkTopics(topics: readonly MirroredTopic[]): void {
    for (const wanted of this.#call.values.topics) {
      if (this.#copies.has(wanted) || topics.some(({ name }) => name === wanted)) continue;
      throw new Fatal(`${wanted}: topic not found at the source, ${this.#source.url}`);
    }
  }

  /** Messages of one channel would reach all channels of the target's topic. */
  #checkMove({ name, channels }: MirroredTopic): void {
    if (channels.length === 1 && channels[0].name === this.#channel) return;
    const names = channels.map((channel) => channel.name).join(', ');
    throw new Fatal(
      `--move=${this.#channel}: ${name} must have this channel only, and has: ${names || 'none'}`,
    );
  }

  async #begin(topic: string, target: NodeStats): Promise<void> {
    const { values, log } = this.#call;
    const query = new URLSearchParams({ topic, channel: this.#channel });
    await this.#source.ask('POST', `/channel/create?${query}`);
    const source = new Source({
      original: NAME,
      topics: [topic],
      channel: this.#channel,
      maxInFlight: values.maxInFlight,
      values: {
        nsqdAddresses: [this.#sourceTcp],
        lookupdAddresses: [],
        consumerOpts: [BACKOFF, ...values.consumerOpts],
      },
      log,
    });
    const ended = source.runUntil(this.#end.promise);
    const targetBefore = mirrorCounts(target, topic, this.#channel).published;
    const copy: Copy = { ended, targetBefore, count: 0 };
    this.#copies.set(topic, copy);
    ended.catch((error: unknown) => this.#failed.reject(error));
    source.start(() => (message) => this.#copy(copy, topic, message), values.maxInFlight);
  }

  async #copy(copy: Copy, topic: string, { body }: Message): Promise<void> {
    // A target that is down fails at once, and the source pauses.
    await this.#producer?.connect();
    await this.#producer?.publish(topic, body);
    copy.count += 1;
  }

  #logProgress(): void {
    this.#leftOf().then(
      (left) => {
        let count = 0;
        for (const copy of this.#copies.values()) count += copy.count;
        this.#call.log(`${this.#copies.size} topics, ${count} messages copied, ${left} left`);
      },
      (error: unknown) => this.#call.log(`asking the source failed - ${errorText(error)}`),
    );
  }

  #endIfEmpty(): void {
    this.#leftOf().then(
      (left) => {
        if (left === 0) this.#end.resolve();
      },
      (error: unknown) => this.#call.log(`asking the source failed - ${errorText(error)}`),
    );
  }

  async #leftOf(): Promise<number> {
    const stats = await nodeStats(this.#source);
    let left = 0;
    for (const topic of this.#copies.keys()) left += mirrorCounts(stats, topic, this.#channel).left;
    return left;
  }

  async #printCounts(): Promise<void> {
    const [source, target] = await Promise.all([nodeStats(this.#source), nodeStats(this.#target)]);
    const rows = [...this.#copies].map(([topic, { count, targetBefore }]) => ({
      topic,
      copied: count,
      left_at_source: mirrorCounts(source, topic, this.#channel).left,
      published_at_source: mirrorCounts(source, topic, this.#channel).published,
      target_before: targetBefore,
      target_now: mirrorCounts(target, topic, this.#channel).published,
    }));
    const { values, context } = this.#call;
    if (values.isJson) return context.stdout(`${JSON.stringify(rows, null, 2)}\n`);
    const head = ['TOPIC', 'COPIED', 'LEFT', 'SOURCE', 'TARGET BEFORE', 'TARGET NOW'];
    context.stdout(
      table(
        head,
        rows.map((row) => Object.values(row).map(String)),
      ),
    );
  }
}

/** A broker's address for clients, and its identity. */
async function infoOf(broker: BrokerHttp): Promise<{ tcp: string; identity: string }> {
  const answer = await broker.ask('GET', '/info');
  // The format of nsqd.
  const info = (answer ?? {}) as { tcp_port?: number; hostname?: string; start_time?: number };
  const { tcp_port: port, hostname, start_time: start } = info;
  if (port === undefined) {
    throw new Fatal(`${broker.url} is not a broker; the HTTP port of a broker is usually 4151`);
  }
  return {
    tcp: `${new URL(broker.url).hostname}:${port}`,
    identity: `${hostname} ${port} ${start}`,
  };
}
