/**
 * Runs a `ringmq` command other than the broker, and sets its exit code.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { createReadStream, fstatSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type CompanionName, companionOf } from '../daemon/command-table.ts';
import { SystemClock } from '../shared/clock.ts';
import { errorText } from '../shared/error-text.ts';
import { byFlags } from './by-flags.ts';
import { type CommandContext, type Companion, REFUSED_CODE } from './companion.ts';

/** Each command is loaded on use. */
const LOADERS: Readonly<Record<CompanionName, () => Promise<Companion>>> = {
  create: async () => (await import('./operator/topic-commands.ts')).runCreate,
  delete: async () => (await import('./operator/topic-commands.ts')).runDelete,
  empty: async () => (await import('./operator/topic-commands.ts')).runEmpty,
  pause: async () => (await import('./operator/topic-commands.ts')).runPause,
  unpause: async () => (await import('./operator/topic-commands.ts')).runUnpause,
  replay: async () => (await import('./operator/replay-command.ts')).runReplay,
  ls: async () => (await import('./operator/stat-commands.ts')).runLs,
  stat: async () =>
    byFlags(async () => (await import('./operator/stat-commands.ts')).runStat, LOADERS.nsq_stat),
  top: async () => (await import('./operator/top-command.ts')).runTop,
  tail: async () =>
    byFlags(async () => (await import('./operator/tail-command.ts')).runTail, LOADERS.nsq_tail),
  drain: async () => (await import('./operator/steer-commands.ts')).runDrain,
  config: async () => (await import('./operator/steer-commands.ts')).runConfig,
  publish: async () => (await import('./operator/publish-command.ts')).runPublish,
  peek: async () => (await import('./operator/message-commands.ts')).runPeek,
  requeue: async () => (await import('./operator/message-commands.ts')).runRequeue,
  finish: async () => (await import('./operator/message-commands.ts')).runFinish,
  move: async () => (await import('./operator/message-commands.ts')).runMove,
  purge: async () => (await import('./operator/message-commands.ts')).runPurge,
  access: async () => (await import('./operator/access-command.ts')).runAccess,
  backup: async () => (await import('./operator/backup-command.ts')).runBackup,
  verify: async () => (await import('./operator/verify-command.ts')).runVerify,
  lookupd: async () => (await import('./lookupd/lookupd-command.ts')).runLookupd,
  multi: async () => (await import('./multi/multi-command.ts')).runMulti,
  admin: async () => (await import('./admin/admin-command.ts')).runAdmin,
  policy: async () => (await import('./operator/policy-command.ts')).runPolicyCommand,
  'to-file': async () => (await import('./tools/to-file.ts')).runToFile,
  'to-nsq': async () => (await import('./tools/to-nsq.ts')).runToNsq,
  nsq_tail: async () => (await import('./tools/nsq-tail.ts')).runNsqTail,
  'to-http': async () => (await import('./tools/to-http.ts')).runToHttp,
  mirror: async () => (await import('./tools/mirror.ts')).runMirror,
  'nsq-to-nsq': async () => (await import('./tools/nsq-to-nsq.ts')).runNsqToNsq,
  nsq_stat: async () => (await import('./tools/nsq-stat.ts')).runNsqStat,
};

/** The reader of the output is gone, as in `ringmq ls | head -1`. */
const BROKEN_PIPE = 'EPIPE';
/** What a shell reports of a program that SIGPIPE ends; Node ignores the signal. */
const BROKEN_PIPE_CODE = 141;
const STDIN_FD = 0;
const COMPILE_CACHE = '../../node_modules/.cache/ringmq';

/** Runs a command. `words`: the arguments after its name. Resolves with false for a name that is no command. */
export async function runCompanion(word: string, words: readonly string[]): Promise<boolean> {
  const name = companionOf(word);
  if (name === undefined) return false;
  process.stdout.on('error', endWithReader);
  // As for the broker: what the command needs is compiled once, and not at each start.
  process.env['NODE_COMPILE_CACHE'] ??= path.join(import.meta.dirname, COMPILE_CACHE);
  enableCompileCache(process.env['NODE_COMPILE_CACHE']);
  const run = await LOADERS[name]();
  process.exitCode = await run(words, processContext());
  return true;
}

/** The output cannot be written, or its reader is gone: the command ends, as shell programs do. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === BROKEN_PIPE) process.exit(BROKEN_PIPE_CODE);
  process.stderr.write(`failed to write to standard output - ${errorText(error)}\n`);
  process.exit(REFUSED_CODE);
}

function processContext(): CommandContext {
  const { stdin, stdout, stderr, env } = process;
  const clock = new SystemClock();
  return {
    env,
    stdout: (text) => void stdout.write(text),
    stderr: (text) => void stderr.write(text),
    output: (bytes) =>
      new Promise((resolve) => {
        // A failed write ends the command, and nothing may take it for done before.
        stdout.write(bytes, (error) => {
          if (error === null || error === undefined) resolve();
        });
      }),
    input: standardInput,
    readInput: () => buffer(standardInput()),
    ask: stdin.isTTY && stderr.isTTY ? askPerson : null,
    screen: stdout.isTTY ? { width: () => stdout.columns, height: () => stdout.rows } : null,
    hasErrorScreen: stderr.isTTY,
    wait: (delayMs) => new Promise((resolve) => void clock.after(delayMs, resolve)),
    interrupted: () => once(process, 'SIGINT').then(() => undefined),
  };
}

/** Of a directory, Node's own stream has no bytes and no error; this one fails. */
function standardInput(): Readable {
  const isDirectory = fstatSync(STDIN_FD).isDirectory();
  return isDirectory ? createReadStream('', { fd: STDIN_FD }) : process.stdin;
}

/** On standard error: standard output may be read by a program. */
async function askPerson(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
