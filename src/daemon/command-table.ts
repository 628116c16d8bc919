/**
 * The commands of `ringmq` besides the broker and `ringmq bench`, in one table. The program's help, its check of the
 * first word and the loaders in `src/companions/program.ts` use it. A second table has nsq's programs;
 * `scripts/ringmq.cjs` repeats their names, and a test compares both.
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
  pause: { words: 'TOPIC[:CHANNEL]', does: 'stop delivery from a topic or channel' },
  unpause: { words: 'TOPIC[:CHANNEL]', does: 'resume delivery' },
  replay: {
    words: 'TOPIC:CHANNEL',
    does: 'create a channel with the kept messages of a replicated topic',
  },
  config: { words: 'get|set|reload', does: 'show and set options, reload the configuration' },
  drain: { words: '', does: 'let consumers empty the broker, then shut it down' },
  peek: { words: 'SOURCE [ID]', does: 'show messages that wait or are in flight' },
  requeue: { words: 'CHANNEL [ID ...]', does: 'make messages ready again' },
  finish: { words: 'SOURCE ID ...', does: 'finish messages on behalf of their consumer' },
  move: { words: 'SOURCE TOPIC', does: 'move waiting messages to another topic' },
  purge: { words: 'SOURCE', does: 'drop waiting messages that match a filter' },
  access: { words: 'new|hash NAME', does: 'make an entry for the file of --http-access' },
  verify: { words: 'DIR', does: 'check a data directory without changing it' },
  backup: { words: 'DIR TARGET', does: 'copy a data directory, even while a broker uses it' },
  policy: { words: '[command]', does: 'list, show, set and delete policies' },
  multi: { words: '[flags]', does: 'run several brokers on this machine as one service' },
  lookupd: {
    words: '[flags]',
    does: 'tell consumers which brokers have a topic; replaces nsqlookupd',
  },
  admin: { words: '[flags]', does: 'show and manage many brokers; replaces nsqadmin' },
  'to-file': { words: '[flags]', does: 'archive topics to files; replaces nsq_to_file' },
  'to-nsq': { words: '[flags]', does: 'publish records of standard input; replaces to_nsq' },
  nsq_tail: { words: '[flags]', does: 'print messages of topics; replaces nsq_tail' },
  'to-http': { words: '[flags]', does: 'send messages as HTTP requests; replaces nsq_to_http' },
  mirror: { words: '[flags]', does: 'copy topics with their channels to another broker' },
  'nsq-to-nsq': {
    words: '[flags]',
    does: 'publish messages to other brokers; replaces nsq_to_nsq',
  },
  nsq_stat: { words: '[flags]', does: 'print rates and counts of a channel; replaces nsq_stat' },
} as const satisfies Readonly<Record<string, CommandRow>>;

/** The name of such a command. */
export type CompanionName = keyof typeof COMPANIONS;

/**
 * The programs of nsq, and the commands that replace them. `ringmq` runs the command under either name, also when the
 * name is that of a link to `ringmq`.
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
