/**
 * The settings of an embedded broker: the options of the broker's one table, and values that only a program can pass.
 *
 * Thread: main.
 */

import os from 'node:os';
import { pathToFileURL } from 'node:url';
import type { Codec } from '../client/body-codec.ts';
import { jsonCodec } from '../client/body-codec.ts';
import { NsqError } from '../client/nsq-error.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import { suggestion } from '../daemon/options/nearest-word.ts';
import {
  completeOptions,
  type GivenOptions,
  OPTION_ROWS,
  type Options,
} from '../main/options/options.ts';
import { valueText } from '../shared/error-text.ts';

/**
 * Takes the lines of a broker's log: `console` does, and so do the loggers of pino and winston.
 *
 * @example
 * ```ts
 * import { type BrokerLog, createBroker } from 'ringmq';
 *
 * const lines: string[] = [];
 * const log: BrokerLog = {
 *   debug: () => undefined,
 *   info: (text) => lines.push(text),
 *   warn: (text) => lines.push(text),
 *   error: (text) => lines.push(text),
 * };
 * const broker = await createBroker({ memory: true, log });
 * await broker.close();
 * ```
 */
export type BrokerLog = {
  debug(text: string): unknown;
  info(text: string): unknown;
  warn(text: string): unknown;
  error(text: string): unknown;
};

/**
 * Options of an embedded broker: those of `ringmq --help` in camelCase, with the same checks. A time's name ends in
 * `Ms`; a size is a number of bytes or a text such as `'64MiB'`. Unlike the program it listens nowhere by default, and
 * it needs `dataPath` or `memory`.
 *
 * @example
 * ```ts
 * import { type BrokerOptions, createBroker } from 'ringmq';
 *
 * const options: BrokerOptions = { memory: true, tcpAddress: '127.0.0.1:0', msgTimeoutMs: 1000 };
 * const broker = await createBroker(options);
 * console.log(broker.tcpPort > 0); // true
 * await broker.close();
 * ```
 */
export type BrokerOptions = Omit<GivenOptions, typeof NOT_GIVEN> & {
  /** Keeps everything in memory, on the thread of the program, and leaves nothing behind: for tests. */
  readonly memory?: boolean | undefined;
  /** Receives the log at `logLevel` and above. Default: none. */
  readonly log?: BrokerLog | undefined;
  /** Encodes values as bodies. Strings and bytes are published unchanged. Default: JSON. */
  readonly codec?: Codec<unknown> | undefined;
  /** The directory of `pump-thread.js`, `disk-thread.js` and `stream-thread.js`, where a bundler has moved them. */
  readonly workersPath?: string | undefined;
};

/** The same, checked and complete. */
export type BrokerSettings = {
  readonly options: Options;
  readonly isInMemory: boolean;
  readonly log: BrokerLog | null;
  readonly codec: Codec<unknown>;
  /** Undefined: the directory of this package. */
  readonly workers: URL | undefined;
};

/** The option of the program that has no meaning for a log without lines. */
const NOT_GIVEN = 'logPrefix';
const OWN_NAMES = ['memory', 'log', 'codec', 'workersPath'];
/** A valid address on which nothing listens. */
const NO_ADDRESS = '127.0.0.1:0';
/** Names no directory: a broker in memory has none. */
const MEMORY_PATH = 'memory';
const LOG_METHODS = ['debug', 'info', 'warn', 'error'] as const;

/** Checks a broker's options. Errors: throws an NsqError, INVALID_OPTION, with the option's name. */
export function brokerSettings(given: BrokerOptions): BrokerSettings {
  if (typeof given !== 'object' || given === null) {
    throw new NsqError('INVALID_OPTION', `the options are not an object, but ${valueText(given)}`);
  }
  const { memory = false, log, codec = jsonCodec, workersPath, ...table } = given;
  if (typeof memory !== 'boolean') throw invalid('memory', 'must be true or false');
  if (log !== undefined && LOG_METHODS.some((name) => typeof log?.[name] !== 'function')) {
    throw invalid('log', `must have the methods ${LOG_METHODS.join(', ')}`);
  }
  if (workersPath !== undefined && typeof workersPath !== 'string') {
    throw invalid('workersPath', 'must be a string');
  }
  const values = readValues(table);
  const isSilent = (values.get('tcpAddress') ?? '') === '';
  if (isSilent) values.set('tcpAddress', NO_ADDRESS);
  if (!values.has('httpAddress')) values.set('httpAddress', '');
  if (!values.has('httpsAddress')) values.set('httpsAddress', '');
  if (memory) beInMemory(values);
  else if ((values.get('dataPath') ?? '') === '') {
    throw invalid('dataPath', 'must name an existing directory, unless memory is true');
  }
  const machine = { hostname: os.hostname(), parallelism: os.availableParallelism() };
  const options = completeOptions(values, machine, (name) => name);
  if (options instanceof InvalidValue) {
    throw new NsqError('INVALID_OPTION', `option ${options.why}`, { option: options.option });
  }
  return {
    options: isSilent ? { ...options, tcpAddress: '' } : options,
    isInMemory: memory,
    log: log ?? null,
    codec,
    workers: workersPath === undefined ? undefined : pathToFileURL(`${workersPath}/`),
  };
}

/** The given options, as their kinds read them. */
function readValues(given: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(given)) {
    const row = OPTION_ROWS.get(name);
    if (row === undefined || name === NOT_GIVEN) {
      const names = [...OPTION_ROWS.keys(), ...OWN_NAMES].filter((known) => known !== NOT_GIVEN);
      const hint = suggestion(name, names);
      throw invalid(name, `there is no such option${hint}`);
    }
    if (value === undefined) continue;
    const read = row.kind.parseGiven(value);
    if (read instanceof InvalidValue) throw invalid(name, read.why);
    values.set(name, read);
  }
  return values;
}

/** One pump and one disk, no directory, and no bound on free disk space. */
function beInMemory(values: Map<string, unknown>): void {
  for (const name of ['dataPath', 'pumpThreads', 'diskThreads']) {
    if (values.has(name)) throw invalid(name, 'has no effect if memory is true');
  }
  values.set('dataPath', MEMORY_PATH);
  values.set('pumpThreads', 1);
  values.set('diskThreads', 1);
  values.set('minFreeDisk', { kind: 'bytes', bytes: 0 });
}

function invalid(name: string, why: string): NsqError {
  return new NsqError('INVALID_OPTION', `option ${name}: ${why}`, { option: name });
}
