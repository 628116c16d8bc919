/**
 * The flags of `ringmq multi`: its own, and those of the broker, which it separates.
 *
 * Thread: main.
 */

import { parseFlags } from '../../daemon/options/flags.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { listenable, within } from '../../daemon/options/option-checks.ts';
import { boolean, integer, text } from '../../daemon/options/option-kinds.ts';
import {
  completeValues,
  Derived,
  type Machine,
  type OptionRows,
  type OptionValues,
  option,
  rowsOf,
} from '../../daemon/options/option-table.ts';
import { usage } from '../../daemon/options/usage.ts';
import { productLine } from '../../daemon/version.ts';
import { BROKER_FLAGS } from '../../offline/broker-line.ts';

/** More brokers would have more threads than any machine has processors. */
const BROKERS_MAX = 64;
const PORT_STEP_MAX = 1000;

// biome-ignore format: a table is read row by row
const OPTIONS = {
  brokers: option(integer, 'Brokers', 'brokers', new Derived(brokersOf),
    'number of brokers; the default is half of the available CPUs', within(1, BROKERS_MAX)),
  portStep: option(integer, 'Brokers', 'port-step', 100,
    'the ports of broker-1 are this much above those of -tcp-address and -http-address, ' +
    'those of broker-2 twice as much, and so on', within(1, PORT_STEP_MAX)),
  overviewAddress: option(text, 'Brokers', 'overview-address', '0.0.0.0:4149',
    '<host>:<port> to listen on for HTTP: /stats, /metrics and health of all brokers', listenable),
  bundledLookupd: option(boolean, 'Lookupd', 'bundled-lookupd', true,
    'run "ringmq lookupd" for the brokers if -lookupd-tcp-address names none'),
  bundledLookupdTcpAddress: option(text, 'Lookupd', 'bundled-lookupd-tcp-address', '127.0.0.1:4160',
    '<host>:<port> on which it listens for the brokers', listenable),
  bundledLookupdHttpAddress: option(text, 'Lookupd', 'bundled-lookupd-http-address', '0.0.0.0:4161',
    '<host>:<port> on which it listens for consumers', listenable),
} as const;

type Table = typeof OPTIONS;

/** The options of `ringmq multi` itself. */
export type MultiOptions = OptionValues<Table>;

const ROWS: OptionRows = rowsOf(OPTIONS);
const OWN_FLAGS: ReadonlySet<string> = new Set([...ROWS.values()].map(({ flag }) => flag));
const BY_FLAG = new Map([...ROWS, ...BROKER_FLAGS].map(([, row]) => [row.flag, row]));

const INTRODUCTION = `${productLine()}

Runs several brokers on this machine as one service: each has its own process, data path, node id and ports, producers
share one port, and consumers find all of them through lookupd.

Usage:
  ringmq multi [flags of multi] [flags of the broker]

Examples:
  ringmq multi --brokers=4 --data-path=/var/lib/ringmq
  ringmq multi --brokers=4 --data-path=/var/lib/ringmq --lookupd-tcp-address=10.0.0.1:4160
  curl http://127.0.0.1:4149/brokers                   the brokers and their addresses
  curl 'http://127.0.0.1:4149/stats?format=json'       their combined statistics

multi also takes all flags of the broker; ringmq --help lists them. Producers share -tcp-address and -http-address.
Each broker has a directory of its own in -data-path. The brokers divide -max-memory, -pump-threads and -disk-threads.
Every other flag applies to each broker.
`;

/** The parsed command line. */
export type MultiLine =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'run';
      readonly options: MultiOptions;
      /** The other words, in their order. */
      readonly brokerWords: readonly string[];
    }
  | InvalidValue;

/** Separates the words. Errors: returns what is wrong with a flag of multi; the broker's flags are not checked. */
export function readMultiLine(words: readonly string[], machine: Machine): MultiLine {
  const { own, others } = splitWords(words);
  if (others.some((word) => /^--?(?:h|help)$/.test(word))) {
    return { kind: 'help', text: usage(INTRODUCTION, ROWS.values(), machine) };
  }
  const { flags } = parseFlags(own, ROWS);
  if (flags === 'help' || flags instanceof InvalidValue) {
    return flags === 'help' ? new InvalidValue('help takes no value') : flags;
  }
  const values = completeValues(ROWS, flags, machine);
  if (values instanceof InvalidValue) return values;
  // Every row has set its name, to a value of its kind.
  return { kind: 'run', options: values as MultiOptions, brokerWords: others };
}

/** Flags of multi with their values, and all other words. */
function splitWords(words: readonly string[]): { own: string[]; others: string[] } {
  const own: string[] = [];
  const others: string[] = [];
  for (let index = 0; index < words.length; ) {
    const [, flag = '', attached] = /^--?([^-=][^=]*)(=.*)?$/s.exec(words[index]) ?? [];
    const row = BY_FLAG.get(flag);
    const hasNext = row !== undefined && !row.kind.isSwitch && attached === undefined;
    const end = index + (hasNext ? 2 : 1);
    (OWN_FLAGS.has(flag) ? own : others).push(...words.slice(index, end));
    index = end;
  }
  return { own, others };
}

/** One of its threads is as busy as a processor can be, and its others together are about as busy. */
function brokersOf({ parallelism }: Machine): number {
  return Math.min(Math.max(Math.floor(parallelism / 2), 1), BROKERS_MAX);
}
