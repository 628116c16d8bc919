/** The results of a test run: reported file by file, and summarized at the end. */

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { failureText } from './failure-text.ts';

/** Files that the summary names as the slowest. */
const SLOWEST_SHOWN = 10;
/** Names of skipped tests that are reported for one reason. */
const SKIPPED_SHOWN = 3;

/** A test file that has ended. */
type FileResult = {
  readonly file: string;
  readonly durationMs: number;
  /** The output: a line, and the failures. */
  readonly text: string;
  /** The entry in the report: each test with its duration, and the output of the file. */
  readonly details: string;
};

/** The results of one file so far. */
type FileState = {
  tests: number;
  failures: string[];
  lines: string[];
  output: string;
  /** Names of tests that have begun and not ended. */
  begun: Set<string>;
};

/** Takes the events of the runner, which arrive interleaved. */
export class TestRun {
  readonly #root: string;
  readonly #titleOf: (path: string) => string | undefined;
  readonly #running = new Map<string, FileState>();
  readonly #ended: FileResult[] = [];
  readonly #failed: string[] = [];
  readonly #skipped = new Map<string, string[]>();
  #passedCount = 0;

  /** Paths are shown relative to `root`, unless they have a title. */
  constructor(root: string, titleOf: (path: string) => string | undefined = () => undefined) {
    this.#root = root;
    this.#titleOf = titleOf;
  }

  get hasFailed(): boolean {
    return this.#failed.length > 0 || this.#ended.length === 0;
  }

  /** Takes an event. Returns the report of a file that has ended with it. */
  take({ type, data }: TestEvent): FileResult | undefined {
    switch (type) {
      case 'test:pass':
      case 'test:fail': {
        const state = this.#stateOf(data);
        if (state === undefined) return undefined;
        // A result with the name of its file is that of the process; it arrives if the process reported no test.
        if (data.name !== data.file)
          this.#takeTest(
            type === 'test:pass' ? { data } : { data, error: data.details.error },
            state,
          );
        else
          return this.#endSilently(
            data,
            type === 'test:pass' ? 'the file ran no test' : failureText(data.details.error),
          );
        return undefined;
      }
      case 'test:dequeue':
        if (data.name !== data.file) this.#stateOf(data)?.begun.add(data.name);
        return undefined;
      case 'test:stdout':
      case 'test:stderr':
      case 'test:diagnostic': {
        const state = this.#stateOf(data);
        if (state !== undefined)
          state.output += type === 'test:diagnostic' ? `${data.message}\n` : data.message;
        return undefined;
      }
      case 'test:summary':
        return data.file === undefined ? undefined : this.#end(data.file, data.duration_ms);
      default:
        return undefined;
    }
  }

  /** The end: the slowest files, skipped tests and reasons, failures, and the counts alone on the last line. */
  summary(durationMs: number): string {
    const skippedCount = [...this.#skipped.values()].reduce((sum, names) => sum + names.length, 0);
    const slowest = this.#ended
      .toSorted((a, b) => b.durationMs - a.durationMs)
      .slice(0, SLOWEST_SHOWN);
    const total = this.#passedCount + this.#failed.length + skippedCount;
    return [
      '',
      `${counted(total, 'test')} in ${counted(this.#ended.length, 'file')}, ${seconds(durationMs)}. The slowest files:`,
      ...slowest.map(({ file, durationMs: ms }) => `${seconds(ms).padStart(9)}  ${file}`),
      ...[...this.#skipped].map(([why, names]) => `skipped, ${why}: ${shortened(names)}`),
      ...this.#failed.map((name) => `failed: ${name}`),
      `${this.#passedCount} passed, ${this.#failed.length} failed, ${skippedCount} skipped`,
    ].join('\n');
  }

  #takeTest({ data, error }: TakenTest, state: FileState): void {
    state.begun.delete(data.name);
    if (data.details.type === 'suite') return;
    const duration = `${data.details.duration_ms.toFixed(1)} ms`;
    const why = reasonOf(data);
    if (why !== undefined) {
      const names = this.#skipped.get(why) ?? [];
      this.#skipped.set(why, [...names, data.name]);
      state.lines.push(`skipped (${why})  ${data.name}`);
    } else if (error === undefined) {
      this.#passedCount += 1;
      state.lines.push(`passed ${duration}  ${data.name}`);
    } else if (!('failureType' in error && error.failureType === 'subtestsFailed')) {
      const place = `${this.#relative(data.file ?? '')}:${data.line}`;
      this.#failed.push(`${data.name} (${place})`);
      state.failures.push(`${data.name} (${place})\n${indented(failureText(error))}`);
      state.lines.push(`failed ${duration}  ${data.name}`);
    }
    state.tests += 1;
  }

  /** Ends a file that has reported nothing. */
  #endSilently({ file = '', details }: TestData, end: string): FileResult {
    const begun = [...(this.#running.get(file)?.begun ?? [])];
    const why = begun.length === 0 ? end : `${end} while this ran: ${begun.join('; ')}`;
    this.#failed.push(`${this.#relative(file)}: ${why}`);
    this.#running.get(file)?.failures.push(why);
    return this.#end(file, details.duration_ms);
  }

  #end(path: string, durationMs: number): FileResult {
    const state = this.#running.get(path) ?? newState();
    this.#running.delete(path);
    const file = this.#relative(path);
    const verdict = state.failures.length > 0 ? 'FAILED' : 'passed';
    const count = counted(state.tests, 'test').padEnd(9);
    const line = `${verdict} ${count} ${seconds(durationMs).padStart(8)}  ${file}`;
    const output = state.output === '' ? [] : [indented(state.output.trimEnd())];
    const text =
      state.failures.length > 0
        ? [line, ...state.failures.map(indented), ...output, ''].join('\n')
        : line;
    const ended = {
      file,
      durationMs,
      text,
      details: [
        line,
        ...state.lines.map(indented),
        ...state.failures.map(indented),
        ...output,
      ].join('\n'),
    };
    this.#ended.push(ended);
    return ended;
  }

  /** The file of an event; events of the whole run have none. */
  #stateOf({ file, entryFile }: { file?: string; entryFile?: string }): FileState | undefined {
    const path = entryFile ?? file;
    if (path === undefined) return undefined;
    let state = this.#running.get(path);
    if (state === undefined) {
      state = newState();
      this.#running.set(path, state);
    }
    return state;
  }

  #relative(path: string): string {
    return this.#titleOf(path) ?? relative(this.#root, path);
  }
}

type TestData =
  | Extract<TestEvent, { type: 'test:pass' }>['data']
  | Extract<TestEvent, { type: 'test:fail' }>['data'];
type TakenTest = { readonly data: TestData; readonly error?: Error };

function newState(): FileState {
  return { tests: 0, failures: [], lines: [], output: '', begun: new Set() };
}

/** Why a test did not run; undefined if it did. */
function reasonOf({ skip, todo }: TestData): string | undefined {
  if (skip !== undefined && skip !== false)
    return typeof skip === 'string' && skip !== '' ? skip : 'no reason given';
  if (todo !== undefined && todo !== false) return 'not written yet';
  return undefined;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function seconds(ms: number): string {
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function shortened(names: readonly string[]): string {
  const shown = names.slice(0, SKIPPED_SHOWN).join('; ');
  return names.length > SKIPPED_SHOWN
    ? `${shown}; and ${names.length - SKIPPED_SHOWN} more`
    : shown;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ');
}
