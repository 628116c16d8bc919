/**
 * A program of `examples/`, or of the documentation, in a separate process.
 *
 * Thread: main.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { CleanUp } from './broker-process.ts';
import { Journal } from './journal.ts';

const PROJECT = path.dirname(path.dirname(import.meta.dirname));
const HOOK = pathToFileURL(path.join(import.meta.dirname, 'package-hook.ts')).href;

/** How a program ended. */
type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export class ExampleProgram {
  /** Its output, line by line, including errors. */
  readonly output = new Journal();
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  /** Starts it. It is killed when the test ends. `file`: relative to the root of the project. */
  constructor(t: CleanUp, file: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ['--import', HOOK, file], {
      cwd: PROJECT,
      // A test suite reports its results only if it is not run by another one.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', this.output.add);
    }
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
    t.after(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Ends it. Resolves when it has exited. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.#child.kill(signal);
    return this.ended;
  }

  /** Resolves when it has exited by itself. Errors: rejects with its output if it failed. */
  async succeeded(): Promise<void> {
    const { code, signal } = await this.ended;
    if (code === 0) return;
    throw new Error(`it ended with ${code ?? signal}:\n${this.output.lines.join('\n')}`);
  }
}
