/**
 * Runs a command of `ringmq` that is not the broker, to its exit code.
 *
 * Thread: main.
 */

import type { Companion } from './companion.ts';

/** The commands; each is loaded when it is used. */
const COMPANIONS: Readonly<Record<string, () => Promise<Companion>>> = {
  policy: async () => (await import('./operator/policy-command.ts')).runPolicyCommand,
};

/** Runs the command of that name. `words`: what follows it. */
export async function runCompanion(name: string, words: readonly string[]): Promise<void> {
  const run = await COMPANIONS[name]();
  process.exitCode = await run(words, {
    env: process.env,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  });
}
