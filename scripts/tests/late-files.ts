/**
 * Kills the process of a test file in which no test ends and which cannot end itself, with the processes that it has
 * started.
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { killChild } from './descendants.ts';
import { LIMIT_VARIABLE, NOTES_VARIABLE } from './file-limit.ts';

const MS_PER_SECOND = 1000;
/** How long a file has to end itself after its time is over. */
const GRACE_MS = 5000;
const LOOK_MS = 1000;

export class LateFiles {
  readonly #notes = mkdtempSync(path.join(tmpdir(), 'ringmq-tests-'));
  readonly #limitMs: number;
  readonly #timer: NodeJS.Timeout;

  /** Starts now. Units: seconds. */
  constructor(limitS: number) {
    this.#limitMs = limitS * MS_PER_SECOND + GRACE_MS;
    // For the processes of the test files.
    process.env[NOTES_VARIABLE] = this.#notes;
    process.env[LIMIT_VARIABLE] = String(limitS);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    rmSync(this.#notes, { recursive: true });
  }

  #look(): void {
    for (const name of readdirSync(this.#notes)) {
      const note = path.join(this.#notes, name);
      if (Date.now() - statSync(note).mtimeMs < this.#limitMs) continue;
      rmSync(note);
      killChild(Number(name));
    }
  }
}
