/**
 * The commands of `ringmq` besides the broker and `ringmq bench`: one table, from which the program's help, its
 * check of the first word and the list of loaders in `src/companions/program.ts` follow. A second table has nsq's
 * programs; `scripts/ringmq.cjs` repeats their names, and a test compares both.
 *
 * Thread: any.
 */

/** A command as the program's help shows it. Shape: `words` is what may follow the name. */
type CommandRow = { readonly words: string; readonly does: string };

/** By name, in the order of the help. */
export const COMPANIONS = {
  top: { words: '', does: 'show topics with their rates, live' },
  ls: { words: '[TOPIC]', does: 'list topics, or the channels of a topic' },
  stat: { words: '[TOPIC[:CHANNEL]]', does: 'show the counters of a broker, topic or channel' },
  tail: { words: 'TOPIC', does: 'print messages as they are published' },
  publish: { words: 'TOPIC [MESSAGE]', does: 'publish a message, or lines of standard input' },
  create: { words: 'TOPIC[:CHANNEL]', does: 'create a topic or channel' },
  delete: { words: 'TOPIC[:CHANNEL]', does: 'delete a topic or channel with its messages' },
  empty: { words: 'TOPIC[:CHANNEL]', does: 'drop all messages that wait in a topic or channel' },
  pause: { words: 'TOPIC[:CHANNEL]', does: 'let no message leave a topic or channel' },
  unpause: { words: 'TOPIC[:CHANNEL]', does: 'let them leave again' },
  replay: {
    words: 'TOPIC:CHANNEL',
    does: 'create a channel with what a replicated topic has kept',
  },
  config: { words: 'get|set|reload', does: 'show and set options, reload the configuration' },
  drain: { words: '', does: 'let consumers empty the broker, and end it' },
  peek: { words: 'SOURCE [ID]', does: 'show messages that wait or are in flight' },
  requeue: { words: 'SOURCE [ID ...]', does: 'make messages ready again' },
  finish: { words: 'SOURCE ID ...', does: 'finish messages in the place of their consumer' },
  move: { words: 'SOURCE TOPIC', does: 'move waiting messages to another topic' },
  purge: { words: 'SOURCE', does: 'drop the waiting messages that a filter selects' },
  access: { words: 'new|hash NAME', does: 'make a client for the file of --http-access' },
  verify: { words: 'DIR', does: 'read a data directory, and report what a start would find' },
  backup: { words: 'DIR TARGET', does: 'copy a data directory, also of a running broker' },
  policy: { words: '[command]', does: 'list, show, set and delete policies' },
  multi: { words: '[flags]', does: 'run several brokers on this machine as one' },
  lookupd: {
    words: '[flags]',
    does: 'tell consumers which brokers have a topic, in place of nsqlookupd',
  },
  admin: { words: '[flags]', does: 'show and steer many brokers, in place of nsqadmin' },
  'to-file': { words: '[flags]', does: 'archive topics to files, in place of nsq_to_file' },
  'to-nsq': { words: '[flags]', does: 'publish records of standard input, in place of to_nsq' },
  nsq_tail: { words: '[flags]', does: 'print messages of topics, in place of nsq_tail' },
  'to-http': { words: '[flags]', does: 'make HTTP requests of messages, in place of nsq_to_http' },
  mirror: { words: '[flags]', does: 'copy topics with their channels to another broker' },
  'nsq-to-nsq': { words: '[flags]', does: 'publish messages elsewhere, in place of nsq_to_nsq' },
  nsq_stat: { words: '[flags]', does: 'print rates and counts of a channel, in place of nsq_stat' },
} as const satisfies Readonly<Record<string, CommandRow>>;

/** The name of such a command. */
export type CompanionName = keyof typeof COMPANIONS;

/**
 * The programs of nsq, and the commands that take their places. `ringmq` runs the command under either name, and under
 * that of a link through which it is started.
 */
export const ORIGINALS = {
  nsqd: 'start',
  nsqadmin: 'admin',
  nsqlookupd: 'lookupd',
  nsq_tail: 'nsq_tail',
  nsq_stat: 'nsq_stat',
  nsq_to_file: 'to-file',
  nsq_to_http: 'to-http',
  nsq_to_nsq: 'nsq-to-nsq',
  to_nsq: 'to-nsq',
} as const satisfies Readonly<Record<string, CompanionName | 'start'>>;

/** The command under this name, or under that of its original; undefined for any other word. */
export function companionOf(word: string): CompanionName | undefined {
  const name = isOriginal(word) ? ORIGINALS[word] : word;
  return Object.hasOwn(COMPANIONS, name) ? (name as CompanionName) : undefined;
}

function isOriginal(word: string): word is keyof typeof ORIGINALS {
  return Object.hasOwn(ORIGINALS, word);
}
