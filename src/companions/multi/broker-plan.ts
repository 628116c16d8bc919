/**
 * Plans the brokers of `ringmq multi`: derives the flags of each broker from the command line.
 *
 * Broker `i` listens on ports of its own, `i` steps above those of the command line, and shares those of the command
 * line with the others. A broker that leaves, because there are fewer brokers than before, shares none.
 *
 * Thread: main.
 */

import path from 'node:path';
import { joinHostPort } from '../../daemon/host-port.ts';
import { type ListenAddress, parseListenAddress } from '../../daemon/listen-address.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { isNothing, type Portion } from '../../daemon/options/portion.ts';
import type { BrokerLineOptions } from '../../offline/broker-line.ts';
import type { MultiOptions } from './multi-options.ts';

/** One broker. */
export type BrokerPlan = {
  readonly name: string;
  readonly dataPath: string;
  /** Whether it only passes on its messages. */
  readonly isLeaving: boolean;
  /** The words after `ringmq`. */
  readonly words: readonly string[];
};

/** The input of the plans. */
export type PlanSetup = {
  readonly own: MultiOptions;
  readonly options: BrokerLineOptions;
  /** The broker's words as given. */
  readonly words: readonly string[];
  /** The shared ports: those of the command line, or free ones for 0. Shape: 0 if switched off. */
  readonly shared: SharedPorts;
  /** The address of the bundled lookupd for brokers; null without it. */
  readonly lookupd: string | null;
  /** Numbers of brokers that have data but are no longer wanted. */
  readonly leaving: readonly number[];
};

/** The address for producers. */
export type SharedPorts = { readonly tcp: number; readonly http: number; readonly https: number };

type HostAddress = Extract<ListenAddress, { readonly host: string }>;

const NAME = /^broker-([1-9]\d*)$/;
const NODE_IDS = 1024;
const PORT_MAX = 65_535;
/** Further digits would be less than a byte. */
const PERCENT_DIGITS = 9;

/** The name of a broker, which is also that of its directory. */
export function brokerName(number: number): string {
  return `broker-${number}`;
}

/** The number of the broker that a directory belongs to; undefined for other directories. */
export function brokerNumber(name: string): number | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** A conflict between options, or undefined. `most`: the highest number of a broker. */
export function planFault(
  own: MultiOptions,
  options: BrokerLineOptions,
  most: number,
): string | undefined {
  for (const flag of ['tcp-address', 'http-address', 'https-address'] as const) {
    const given = addressOption(options, flag);
    if (flag === 'https-address' && given === '') continue;
    const address = hostAddress(given);
    if (address === undefined) return `--${flag} must be a host and a port for several brokers`;
    const port = ownPort(address, most, own);
    if (port > PORT_MAX) {
      return `broker-${most} would listen on port ${port}: --${flag} or --port-step must be lower`;
    }
  }
  const shared = [options.sharedTcpPort, options.sharedHttpPort, options.sharedHttpsPort];
  if (shared.some((port) => port !== 0)) {
    return '--tcp-address and --http-address are what the brokers share: give no --shared-…-port';
  }
  return undefined;
}

/** One plan for each broker; those that leave come last. */
export function planBrokers(setup: PlanSetup): BrokerPlan[] {
  const staying = Array.from({ length: setup.own.brokers }, (_, index) => index + 1);
  const count = staying.length + setup.leaving.length;
  return [...staying, ...setup.leaving].map((number) => planBroker(setup, number, count));
}

/** The host and port of an option; undefined for a unix socket or an empty option. */
export function hostAddress(given: string): HostAddress | undefined {
  const address = parseListenAddress(given);
  return address instanceof InvalidValue || !('host' in address) ? undefined : address;
}

function planBroker(setup: PlanSetup, number: number, count: number): BrokerPlan {
  const { own, options, shared, lookupd, leaving } = setup;
  const isLeaving = leaving.includes(number);
  const name = brokerName(number);
  const dataPath = path.join(path.resolve(options.dataPath), name);
  const moved = (flag: string, given: string): string[] => {
    const address = hostAddress(given);
    if (address === undefined) return [];
    return [`--${flag}=${joinHostPort(address.host, ownPort(address, number, own))}`];
  };
  const words = [
    'start',
    ...setup.words,
    `--data-path=${dataPath}`,
    `--node-id=${(options.nodeId + number - 1) % NODE_IDS}`,
    ...moved('tcp-address', options.tcpAddress),
    ...moved('http-address', options.httpAddress),
    ...moved('https-address', options.httpsAddress),
    `--max-memory=${shareOf(options.maxMemory, count)}`,
    `--pump-threads=${Math.max(1, Math.floor(options.pumpThreads / count))}`,
    `--disk-threads=${Math.max(1, Math.floor(options.diskThreads / count))}`,
  ];
  for (const [flag, port] of [
    ['broadcast-tcp-port', options.broadcastTcpPort],
    ['broadcast-http-port', options.broadcastHttpPort],
  ] as const) {
    if (port !== 0) words.push(`--${flag}=${port + number * own.portStep}`);
  }
  if (options.logFile !== '') words.push(`--log-file=${options.logFile}.${name}`);
  if (lookupd !== null) words.push(`--lookupd-tcp-address=${lookupd}`);
  if (!isLeaving) {
    words.push(`--shared-tcp-port=${shared.tcp}`, `--shared-http-port=${shared.http}`);
    if (shared.https !== 0) words.push(`--shared-https-port=${shared.https}`);
  }
  return { name, dataPath, isLeaving, words };
}

function addressOption(
  options: BrokerLineOptions,
  flag: 'tcp-address' | 'http-address' | 'https-address',
): string {
  if (flag === 'tcp-address') return options.tcpAddress;
  return flag === 'http-address' ? options.httpAddress : options.httpsAddress;
}

/** Port 0 stands for any free port. */
function ownPort({ port }: HostAddress, number: number, { portStep }: MultiOptions): number {
  return port === 0 ? 0 : port + number * portStep;
}

function shareOf(portion: Portion, count: number): string {
  if (isNothing(portion)) return '0';
  if (portion.kind === 'bytes') return String(Math.max(1, Math.floor(portion.bytes / count)));
  return `${Number((portion.percent / count).toFixed(PERCENT_DIGITS))}%`;
}
