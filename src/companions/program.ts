/**
 * Runs a `ringmq` command other than the broker, and sets its exit code.
 *
 * Thread: main.
 */

import type { Companion } from './companion.ts';

/** The commands; each is loaded on use. */
const COMPANIONS: Readonly<Record<string, () => Promise<Companion>>> = {
  policy: async () => (await import('./operator/policy-command.ts')).runPolicyCommand,
};

/** Runs a command. `words`: the arguments after its name. */
export async function runCompanion(name: string, words: readonly string[]): Promise<void> {
  const run = await COMPANIONS[name]();
  process.exitCode = await run(words, {
    env: process.env,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  });
}
