/**
 * From the words of the command line to complete options: flags, then the configuration file, then defaults.
 *
 * Thread: main, at start-up.
 * Source: nsqd `apps/nsqd/main.go`, go-options `Resolve`.
 */

import {
  completeOptions,
  type Machine,
  type Options,
  PROGRAM_FLAGS,
} from '../../main/options/options.ts';
import { versionLine } from '../version.ts';
import { parseConfigFile } from './config-file.ts';
import { parseFlags } from './flags.ts';
import { Refused } from './refused.ts';
import { usage } from './usage.ts';

/** What the program does next. */
export type Command =
  | { readonly kind: 'run'; readonly options: Options }
  | {
      readonly kind: 'print';
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
      readonly exitCode: number;
    }
  /** The text for a FATAL line of the log; the exit code is 1. */
  | { readonly kind: 'fatal'; readonly reason: string };

/** What is around the command line. */
export interface Surroundings extends Machine {
  /** Reads a text file. Errors: throws, with the reason as the message. */
  readFile(path: string): string;
}

/** Decides by the words behind the program's name. A bad flag ends with 2, a bad value of an option with 1. */
export function parseCommandLine(words: readonly string[], surroundings: Surroundings): Command {
  const flags = parseFlags(words);
  if (flags === 'help') {
    return { kind: 'print', stream: 'stderr', text: usage(surroundings), exitCode: 0 };
  }
  if (flags instanceof Refused) {
    // Said twice: the usage in between is longer than a screen.
    const text = `${flags.why}\n${usage(surroundings)}\n${flags.why} (see the usage above)\n`;
    return { kind: 'print', stream: 'stderr', text, exitCode: 2 };
  }
  if (flags.get('version') === true) {
    return { kind: 'print', stream: 'stdout', text: `${versionLine()}\n`, exitCode: 0 };
  }

  const path = flags.get('config') ?? PROGRAM_FLAGS.config.initial;
  const config = readConfig(String(path), surroundings);
  if (config instanceof Refused) return { kind: 'fatal', reason: config.why };
  const options = completeOptions(new Map([...config, ...flags]), surroundings);
  if (options instanceof Refused) {
    return { kind: 'fatal', reason: `failed to instantiate nsqd - ${options.why}` };
  }
  return { kind: 'run', options };
}

/** An empty path means that there is no file. */
function readConfig(
  path: string,
  surroundings: Surroundings,
): ReadonlyMap<string, unknown> | Refused {
  if (path === '') return new Map();
  const text = readText(path, surroundings);
  const values = text instanceof Refused ? text : parseConfigFile(text);
  return values instanceof Refused
    ? new Refused(`failed to load config file ${path} - ${values.why}`)
    : values;
}

function readText(path: string, surroundings: Surroundings): string | Refused {
  try {
    return surroundings.readFile(path);
  } catch (error) {
    return new Refused(error instanceof Error ? error.message : String(error));
  }
}
