/**
 * The arguments of a script: `--help` prints its usage and exits, unknown arguments exit with code 2.
 */

import { type ParseArgsConfig, parseArgs } from 'node:util';

type ArgumentOptions = NonNullable<ParseArgsConfig['options']>;
type Values<T extends ArgumentOptions> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** `usage` without a final newline. */
export function readArguments<T extends ArgumentOptions>(usage: string, options: T): Values<T> {
  help(usage);
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), usage);
  }
}

/** The arguments of a script that takes names and no options. `usage` as above. */
export function readNames(usage: string): string[] {
  help(usage);
  try {
    return parseArgs({ allowPositionals: true }).positionals;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), usage);
  }
}

/** Prints the usage and exits if that was requested. */
function help(usage: string): void {
  if (!process.argv.includes('--help') && !process.argv.includes('-h')) return;
  console.log(usage);
  process.exit(0);
}

/** A whole number, at least `min`. */
export function wholeNumber(name: string, text: string, min: number, usage: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  return refuse(`--${name} takes a whole number from ${min}, got "${text}"`, usage);
}

/** Exits because of invalid arguments. */
export function refuse(why: string, usage: string): never {
  console.error(`${why}\n\n${usage}`);
  process.exit(2);
}
