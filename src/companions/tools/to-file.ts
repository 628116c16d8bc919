/**
 * `ringmq to-file`: archives topics to files; replaces nsq_to_file.
 *
 * Thread: main.
 * Source: nsq `apps/nsq_to_file`.
 */

import { hostname } from 'node:os';
import { Consumer, type ConsumerOptions } from '../../client/client.ts';
import { Logger } from '../../daemon/log.ts';
import { oneOf } from '../../daemon/options/option-checks.ts';
import * as kinds from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { errorText } from '../../shared/error-text.ts';
import { DONE_CODE, REFUSED_CODE } from '../companion.ts';
import { MAX_IN_FLIGHT, SOURCE_TABLE, sourceOptions } from './consumer-flags.ts';
import { type Encoder, gzipEncoder, zstdEncoder } from './encoder.ts';
import { FileNames } from './file-name.ts';
import { HTTP_CLIENT_TABLE } from './http-json.ts';
import { lookupdTopics } from './lookupd-topics.ts';
import { OutputFile } from './output-file.ts';
import { hasLines, RECORD_FORMATS, type RecordFormat } from './record-format.ts';
import { repeat } from './repeat.ts';
import { logMissingBrokers } from './source.ts';
import { Fatal, positive, type ToolCall, type ToolValues, tool, userAgentOf } from './tool.ts';
import { TopicArchive } from './topic-archive.ts';

const { boolean, duration, integer, logLevel, size, text, texts } = kinds;
const ORIGINAL = 'nsq_to_file';
const MINUTE_MS = 60_000;
const GZIP_LEVEL_MAX = 9;
const ZSTD_LEVEL_MAX = 19;
/** A source whose unanswered messages reach this share of its part delivers no more. Source: go-nsq `IsStarved`. */
const STARVED_SHARE = 0.85;
/** Most topics that are archived at the same time. */
const TOPICS_MAX = 10_000;

const TABLE = {
  ...SOURCE_TABLE,
  topics: option(texts, 'Source', 'topic', [], 'nsq topic (may be given multiple times)'),
  topicPattern: option(
    text,
    'Source',
    'topic-pattern',
    '',
    'without --topic, only topics that match this regular expression',
  ),
  topicRefreshMs: option(
    duration,
    'Source',
    'topic-refresh',
    MINUTE_MS,
    'how often lookupd is asked for topics',
    positive,
  ),
  channel: option(text, 'Source', 'channel', ORIGINAL, 'nsq channel'),
  maxInFlight: MAX_IN_FLIGHT,
  ...HTTP_CLIENT_TABLE,
  outputDir: option(text, 'Files', 'output-dir', '/tmp', 'directory to write output files to'),
  workDir: option(
    text,
    'Files',
    'work-dir',
    '',
    'directory for in-progress files before they move to --output-dir',
  ),
  datetimeFormat: option(
    text,
    'Files',
    'datetime-format',
    '%Y-%m-%d_%H',
    'strftime compatible format for <DATETIME> in --filename-format',
  ),
  filenameFormat: option(
    text,
    'Files',
    'filename-format',
    '<TOPIC>.<HOST><REV>.<DATETIME>.log',
    'file name of <TOPIC>, <HOST>, <PID>, <DATETIME>, <REV>; <REV> rises while a file exists',
  ),
  hostIdentifier: option(
    text,
    'Files',
    'host-identifier',
    '',
    'value of <HOST>, which may contain <SHORT_HOST> and <HOSTNAME>',
  ),
  format: option(
    text,
    'Files',
    'format',
    'lines',
    'lines: body and line end; ndjson: an object for each message; raw: bodies; length: ' +
      'each body after its size in 4 bytes',
    oneOf(RECORD_FORMATS),
  ),
  isGzip: option(boolean, 'Files', 'gzip', false, 'gzip output files'),
  gzipLevel: option(
    integer,
    'Files',
    'gzip-level',
    6,
    'gzip compression level (1-9, 9 is smallest)',
    (level) =>
      level >= 1 && level <= GZIP_LEVEL_MAX
        ? undefined
        : `invalid --gzip-level value (${level}), should be 1-9`,
  ),
  isZstd: option(boolean, 'Files', 'zstd', false, 'compress output files with zstd'),
  zstdLevel: option(
    integer,
    'Files',
    'zstd-level',
    3,
    'zstd compression level (1-19, 19 is smallest)',
    (level) =>
      level >= 1 && level <= ZSTD_LEVEL_MAX
        ? undefined
        : `invalid --zstd-level value (${level}), should be 1-19`,
  ),
  skipsEmptyFiles: option(boolean, 'Files', 'skip-empty-files', false, 'skip writing empty files'),
  rotateBytes: option(
    size,
    'Files',
    'rotate-size',
    0,
    'rotate the file when it grows bigger than this',
  ),
  rotateMs: option(duration, 'Files', 'rotate-interval', 0, 'rotate the file every duration'),
  syncMs: option(
    duration,
    'Files',
    'sync-interval',
    MINUTE_MS / 2,
    'sync file to disk every duration',
    positive,
  ),
  logLevel: option(logLevel, 'Log', 'log-level', 'info', 'debug, info, warn, error or fatal'),
  logPrefix: option(text, 'Log', 'log-prefix', `[${ORIGINAL}] `, 'log message prefix'),
};

type Values = ToolValues<typeof TABLE>;

/** `ringmq to-file`. */
export const runToFile = tool({
  name: 'to-file',
  original: ORIGINAL,
  does: 'Archives the messages of topics to files. A message is finished when its bytes are synced',
  examples: [
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 --output-dir=/var/archive',
    '--topic-pattern="^audit" --lookupd-http-address=127.0.0.1:4161 --gzip --rotate-interval=1h',
    '--topic=orders --nsqd-tcp-address=127.0.0.1:4150 --format=ndjson --zstd --rotate-size=1GiB',
  ],
  table: TABLE,
  refusesWords: true,
  run: async (call) => {
    const { values, context, clock } = call;
    const options = sourceOptions(values);
    check(values);
    const sink = { write: context.stderr, writeSync: context.stderr };
    const log = new Logger({ level: values.logLevel, prefix: values.logPrefix, sink, clock });
    return await new Archives(call, options, log).run();
  },
});

function check({ channel, topics, topicPattern, lookupdAddresses, isGzip, isZstd }: Values): void {
  if (channel === '') throw new Fatal('--channel is required');
  if (topics.length === 0 && topicPattern === '') {
    throw new Fatal('--topic or --topic-pattern required');
  }
  if (topics.length === 0 && lookupdAddresses.length === 0) {
    throw new Fatal('--lookupd-http-address must be specified when no --topic specified');
  }
  if (isGzip && isZstd) throw new Fatal('use --gzip or --zstd not both');
}

/** The archives of all topics. */
class Archives {
  readonly #call: ToolCall<typeof TABLE>;
  readonly #options: Partial<ConsumerOptions>;
  readonly #log: Logger;
  readonly #byTopic = new Map<string, { archive: TopicArchive; consumer: Consumer }>();
  readonly #failed = Promise.withResolvers<number>();
  #isStopped = false;
  /** Whether it was logged that no topic matches. */
  #isNoTopicTold = false;

  constructor(call: ToolCall<typeof TABLE>, options: Partial<ConsumerOptions>, log: Logger) {
    this.#call = call;
    this.#options = options;
    this.#log = log;
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    const { values, stopped } = this.#call;
    const onHangup = (): void => {
      for (const { archive } of this.#byTopic.values()) archive.reopen();
    };
    process.on('SIGHUP', onHangup);
    for (const topic of new Set(values.topics)) this.#add(topic);
    if (values.topics.length === 0) void this.#discover(topicFilter(values.topicPattern));
    else if (this.#byTopic.size === 0) throw new Fatal('no topic can be archived');
    const endTicks = repeat(this.#call.clock, values.syncMs, () => {
      for (const { archive } of this.#byTopic.values()) archive.tick();
    });
    void stopped.then(endTicks);
    const code = await Promise.race([stopped.then(() => this.#stop()), this.#failed.promise]);
    process.off('SIGHUP', onHangup);
    // Unanswered messages are redelivered after a failure; none of them may be finished any more.
    if (code !== DONE_CODE) process.exit(code);
    return code;
  }

  async #stop(): Promise<number> {
    this.#isStopped = true;
    const ends = [...this.#byTopic.values()].map(async ({ archive, consumer }) => {
      archive.endSoon();
      await consumer.close();
      await archive.close();
    });
    await Promise.all(ends);
    return DONE_CODE;
  }

  async #discover(isWanted: (topic: string) => boolean): Promise<void> {
    const { values, clock } = this.#call;
    const { lookupdAddresses, topicRefreshMs } = values;
    const { topics, errors } = await lookupdTopics(lookupdAddresses, values, clock);
    for (const error of errors) this.#log.error(`could not retrieve topic list: ${error}`);
    for (const topic of topics) {
      if (this.#isStopped || this.#byTopic.has(topic)) continue;
      if (!isWanted(topic)) this.#log.debug(`skipping topic ${topic} (does not match)`);
      else if (this.#byTopic.size >= TOPICS_MAX) this.#log.error(`too many topics for ${topic}`);
      else this.#add(topic);
    }
    if (errors.length < lookupdAddresses.length) this.#tellNoTopic(topics.size);
    const timer = this.#call.clock.after(topicRefreshMs, () => void this.#discover(isWanted));
    void this.#call.stopped.then(() => timer.cancel());
  }

  /** Logs once that nothing is archived yet, for example because of a wrong pattern. */
  #tellNoTopic(topicCount: number): void {
    if (this.#byTopic.size > 0 || this.#isNoTopicTold) return;
    this.#isNoTopicTold = true;
    this.#log.warn(
      `none of the ${topicCount} topics that nsqlookupd knows matches --topic-pattern; ` +
        'waiting for one',
    );
  }

  #add(topic: string): void {
    try {
      this.#start(topic);
    } catch (error) {
      this.#log.error(`couldn't create logger for new topic ${topic}: ${errorText(error)}`);
    }
  }

  #start(topic: string): void {
    const { values, clock } = this.#call;
    const { channel, maxInFlight } = values;
    const label = `[${topic}/${channel}]`;
    const consumer = new Consumer({
      userAgent: userAgentOf(ORIGINAL),
      ...this.#options,
      topic,
      channel,
      maxInFlight,
    });
    consumer.on('error', (error) => this.#log.error(`${label} ${errorText(error)}`));
    logMissingBrokers(consumer, topic, (line) => this.#log.warn(`${label} ${line}`));
    consumer.on('connect', (address) => this.#log.info(`${label} connected to ${address}`));
    const archive = new TopicArchive({
      file: new OutputFile(this.#outputSetup(label)),
      names: fileNames(values, topic),
      // The option's check allows no other value.
      format: values.format as RecordFormat,
      skipsEmptyFiles: values.skipsEmptyFiles,
      unixMs: () => Number(clock.unixNs() / 1_000_000n),
      isStarved: (count) => {
        const share = Math.max(1, Math.floor(maxInFlight / consumer.stats().connectionCount));
        return count >= share * STARVED_SHARE;
      },
      onSynced: (count) => this.#log.info(`${label} syncing ${count} records to disk`),
    });
    archive.failed.catch((error: unknown) => {
      this.#log.fatal(`${label} writing messages to disk: ${errorText(error)}`);
      this.#failed.resolve(REFUSED_CODE);
    });
    this.#byTopic.set(topic, { archive, consumer });
    void consumer.run((message) => archive.append(message), { concurrency: maxInFlight });
  }

  #outputSetup(label: string): ConstructorParameters<typeof OutputFile>[0] {
    const { values, clock } = this.#call;
    const { outputDir, rotateBytes, rotateMs } = values;
    const encoder = encoderOf(values);
    const format = values.format as RecordFormat;
    return {
      outputDir,
      workDir: values.workDir === '' ? outputDir : values.workDir,
      encoder,
      isExclusive: encoder !== null || rotateMs > 0 || !hasLines(format),
      hasLines: hasLines(format),
      rotateBytes,
      rotateMs,
      monotonicMs: () => clock.monotonicMs(),
      log: (level, line) => this.#log[level](`${label} ${line}`),
    };
  }
}

function encoderOf({ isGzip, gzipLevel, isZstd, zstdLevel }: Values): Encoder | null {
  if (isGzip) return gzipEncoder(gzipLevel);
  return isZstd ? zstdEncoder(zstdLevel) : null;
}

function fileNames(values: Values, topic: string): FileNames {
  const { filenameFormat: format, datetimeFormat, hostIdentifier, workDir, outputDir } = values;
  const encoder = encoderOf(values);
  const isMoved = workDir !== '' && workDir !== outputDir;
  const isRotated = values.rotateBytes > 0 || values.rotateMs > 0;
  return new FileNames({
    format,
    datetimeFormat,
    topic,
    hostname: hostname(),
    hostIdentifier,
    pid: process.pid,
    needsRev: encoder !== null || isMoved || isRotated || !hasLines(values.format as RecordFormat),
    suffix: encoder?.suffix ?? '',
  });
}

/** Errors: throws a `Fatal` for an invalid pattern. */
function topicFilter(pattern: string): (topic: string) => boolean {
  try {
    const expression = new RegExp(pattern, 'u');
    return (topic) => expression.test(topic);
  } catch (error) {
    throw new Fatal(`--topic-pattern: ${errorText(error)}`);
  }
}
