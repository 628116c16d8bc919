/**
 * Parses the broker's command line, for programs that start brokers.
 *
 * Thread: main.
 */

import { parseFlags } from '../daemon/options/flags.ts';
import { type OptionRows, rowsOf } from '../daemon/options/option-table.ts';
import type { LineContext, ServerCommand } from '../daemon/options/program-line.ts';
import { reportConfig } from '../main/config-report.ts';
import { parseCommandLine } from '../main/options/command-line.ts';
import { OPTION_ROWS, type Options, PROGRAM_FLAGS } from '../main/options/options.ts';

/** The broker's options, complete and checked. */
export type BrokerLineOptions = Options;

/** The parsed words. */
export type BrokerLine =
  | {
      readonly kind: 'run';
      readonly options: BrokerLineOptions;
      /** Empty if there is no configuration file. */
      readonly configPath: string;
      /** Words after the flags, which the broker ignores. */
      readonly stray: readonly string[];
    }
  | Exclude<ServerCommand<BrokerLineOptions>, { readonly options: BrokerLineOptions }>;

/** All flags of a broker. */
export const BROKER_FLAGS: OptionRows = new Map([...rowsOf(PROGRAM_FLAGS), ...OPTION_ROWS]);

/** Reads the flags of a broker, and its configuration file. */
export function readBrokerLine(words: readonly string[], context: LineContext): BrokerLine {
  const parsed = parseCommandLine(['start', ...words], context);
  if (!('options' in parsed)) return parsed;
  if (parsed.kind !== 'run') return reportConfig(parsed, context);
  const { options, config } = parsed;
  const { rest } = parseFlags(words, BROKER_FLAGS);
  return { kind: 'run', options, configPath: config.path, stray: rest };
}
