/**
 * What the operator's commands share: their flags, the client of the broker, output as text or JSON, confirmation and
 * exit codes. A command adds its own part.
 *
 * Thread: main.
 */

import { terminalJson } from '../../daemon/terminal-json.ts';
import { errorText } from '../../shared/error-text.ts';
import { type CommandContext, type Companion, DONE_CODE } from '../companion.ts';
import { ADDRESS_VARIABLE, BrokerHttp, TOKEN_VARIABLE } from './broker-http.ts';
import { BadUsage, CommandFailure, Refused, Unconfirmed } from './failures.ts';
import { type FlagTable, type FlagValues, flagLines, parseWords } from './flags.ts';
import { type QueueName, queueName } from './queue-name.ts';

/** A command's own part. */
export type OperatorCommand<Table extends FlagTable> = {
  readonly name: string;
  /** One line about what it does. */
  readonly does: string;
  /** The words after the name, one line for each form. */
  readonly forms: readonly string[];
  /** Example command lines. */
  readonly examples: readonly string[];
  /** Notes below the examples. */
  readonly notes?: string;
  readonly flags: Table;
  /** Whether it destroys messages, and therefore asks first. */
  readonly destroys?: true;
  /** Whether it works without words; otherwise it then prints the help. */
  readonly needsNoWords?: true;
  /** Whether it needs no broker. */
  readonly isLocal?: true;
  /** Its exit codes and their meanings, if they differ from the common ones. */
  readonly exitCodes?: string;
  /** Errors: rejects with a `CommandFailure`. */
  readonly run: (call: OperatorCall<Table>) => Promise<void>;
};

const BROKER_FLAGS = {
  'http-address': {
    value: 'HOST:PORT',
    help: `the broker (default 127.0.0.1:4151, or ${ADDRESS_VARIABLE}); a URL works too`,
  },
  token: {
    value: 'TOKEN',
    help: `token for a broker with --http-access (default: ${TOKEN_VARIABLE})`,
  },
} as const satisfies FlagTable;

const COMMON_FLAGS = {
  json: { help: 'print JSON' },
  help: { help: 'print this text' },
} as const satisfies FlagTable;

const CONFIRMING_FLAGS = {
  yes: { help: 'do not ask for confirmation' },
} as const satisfies FlagTable;

type SharedFlags = FlagValues<typeof BROKER_FLAGS & typeof COMMON_FLAGS & typeof CONFIRMING_FLAGS>;

const EXIT_CODES =
  'Exit codes: 0 done, 1 the broker refused it, 2 wrong usage, 3 the broker does not answer';
const LOCAL_EXIT_CODES = 'Exit codes: 0 done, 1 failed, 2 wrong usage';
const UNCONFIRMED_CODE = ', 4 not confirmed';

/** One use of a command. */
export class OperatorCall<Table extends FlagTable> {
  /** The words of the command line without its flags. */
  readonly words: readonly string[];
  readonly flags: FlagValues<Table>;
  readonly context: CommandContext;
  readonly #shared: SharedFlags;
  #broker: BrokerHttp | undefined;

  constructor(
    words: readonly string[],
    flags: FlagValues<Table> & SharedFlags,
    context: CommandContext,
  ) {
    this.words = words;
    this.flags = flags;
    this.context = context;
    this.#shared = flags;
  }

  /** Errors: throws `BadUsage` for an invalid address. */
  get broker(): BrokerHttp {
    const { 'http-address': address, token } = this.#shared;
    this.#broker ??= new BrokerHttp({ address, token }, this.context.env);
    return this.#broker;
  }

  get isJson(): boolean {
    return this.#shared.json === true;
  }

  /** Prints a value as JSON if requested, otherwise its text. */
  print(value: unknown, text: () => string): void {
    this.context.stdout(this.isJson ? `${terminalJson(value, 2)}\n` : text());
  }

  /** Reads standard input to its end. Errors: rejects with `Refused` if that fails. */
  async readInput(): Promise<Buffer> {
    try {
      return await this.context.readInput();
    } catch (cause) {
      throw new Refused(`failed to read standard input - ${errorText(cause)}`, { cause });
    }
  }

  /**
   * The words by name: first the required ones, then optional ones, which are empty if missing. Errors: throws
   * `BadUsage` for missing and for extra words.
   */
  named<Needed extends string, Possible extends string = never>(
    needed: readonly Needed[],
    possible: readonly Possible[] = [],
  ): Readonly<Record<Needed | Possible, string>> {
    const names: readonly string[] = [...needed, ...possible];
    if (this.words.length < needed.length || this.words.length > names.length) {
      const forms = [...needed, ...possible.map((name) => `[${name}]`)].join(' ').toUpperCase();
      throw new BadUsage(forms === '' ? 'no argument is expected' : `${forms} is expected`);
    }
    const pairs = names.map((name, index) => [name, this.words[index] ?? '']);
    return Object.fromEntries(pairs) as Record<Needed | Possible, string>;
  }

  /** The only word: a topic, or a channel of it. Errors: throws `BadUsage`. */
  queue(): QueueName {
    const [text] = this.words;
    if (text === undefined || this.words.length > 1) {
      throw new BadUsage('TOPIC or TOPIC:CHANNEL is expected');
    }
    return queueName(text);
  }

  /**
   * Makes the operator type `name` before messages are destroyed. `what` completes "This …". Errors: rejects with
   * `Unconfirmed`.
   */
  async confirm(name: string, what: string): Promise<void> {
    if (this.#shared.yes === true) return;
    const { ask } = this.context;
    if (ask === null) {
      throw new Unconfirmed(`this ${what}; without a terminal --yes confirms it`);
    }
    const typed = await ask(`This ${what}. Type ${name} to go ahead: `);
    if (typed.trim() !== name) throw new Unconfirmed('not confirmed, nothing is done');
  }
}

/** Turns a command into a program. */
export function operatorCommand<Table extends FlagTable>(
  command: OperatorCommand<Table>,
): Companion {
  const table = {
    ...command.flags,
    ...(command.destroys === true && CONFIRMING_FLAGS),
    ...(command.isLocal !== true && BROKER_FLAGS),
    ...COMMON_FLAGS,
  };
  return async (given, context) => {
    try {
      const { words, flags } = parseWords(given, table);
      const shared = flags as SharedFlags;
      if (shared.help === true) {
        context.stdout(usageOf(command, table));
        return DONE_CODE;
      }
      if (words.length === 0 && command.needsNoWords !== true) {
        throw new BadUsage(`ringmq ${command.name}: ${command.does}`);
      }
      const own = flags as FlagValues<Table> & SharedFlags;
      await command.run(new OperatorCall(words, own, context));
      return DONE_CODE;
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      const hint =
        error instanceof BadUsage ? `ringmq ${command.name} --help shows how to use it\n` : '';
      context.stderr(`${errorText(error)}\n${hint}`);
      return error.code;
    }
  };
}

function usageOf<Table extends FlagTable>(
  { name, does, forms, examples, notes, destroys, isLocal, exitCodes }: OperatorCommand<Table>,
  table: FlagTable,
): string {
  const lines = (words: readonly string[]): string =>
    words.map((line) => `  ringmq ${name} ${line}`.trimEnd()).join('\n');
  const usual = isLocal === true ? LOCAL_EXIT_CODES : EXIT_CODES;
  const codes = exitCodes === undefined ? usual : `Exit codes: ${exitCodes}`;
  return [
    `${does.charAt(0).toUpperCase()}${does.slice(1)}.`,
    `Usage:\n${lines(forms)}`,
    `Examples:\n${lines(examples)}`,
    ...(notes === undefined ? [] : [notes.trimEnd()]),
    `Flags:\n${flagLines(table).trimEnd()}`,
    `${codes}${destroys === true ? UNCONFIRMED_CODE : ''}.\n`,
  ].join('\n\n');
}
