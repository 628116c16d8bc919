/**
 * Runs "the other side" at every atomic step of a piece of code, in one thread and in every possible way.
 *
 * The functions of the global `Atomics` are replaced while a script runs, so that other actions can run before and
 * after each call. `interleave` tries every distribution of the other side's actions over those points. An action
 * itself is not interrupted; to explore its inside, exchange script and actions.
 *
 * `Atomics.wait` never blocks. In the script it lets the other side run until that notifies or has nothing left to do,
 * since a sleeping thread delays nobody. In an action it ends the action, and the next action (which the other side
 * takes once awake) has to wait for a notify.
 */

/** Picks one of `options` numbers, from 0 on. */
type Choose = (options: number) => number;

/** Two sides that share memory, in their initial state. */
export interface Sides {
  /** The side that is interrupted. */
  readonly script: () => void;
  /** The actions of the other side, in order. */
  readonly other: readonly (() => void)[];
  /** Checks the state of both sides when neither can continue. */
  readonly check: (outcome: Outcome) => void;
}

export interface Outcome {
  /** Whether the script has waited and was not notified. */
  readonly isScriptAsleep: boolean;
  /** Whether the other side has waited and was not notified. */
  readonly isOtherAsleep: boolean;
}

type Integers = Int32Array<SharedArrayBuffer>;
const real = {
  load: Atomics.load,
  store: Atomics.store,
  add: Atomics.add,
  wait: Atomics.wait,
  notify: Atomics.notify,
};

/** Runs `run` once for every sequence of answers that `choose` can give. Returns the number of runs. */
function exhaust(run: (choose: Choose) => void): number {
  const answers: number[] = [];
  const options: number[] = [];
  let runs = 0;
  for (;;) {
    let step = 0;
    const choose: Choose = (count) => {
      if (step === answers.length) {
        answers.push(0);
        options.push(count);
      }
      return answers[step++];
    };
    runs++;
    try {
      run(choose);
    } catch (cause) {
      throw new Error(`run ${runs} with the choices [${answers.join(', ')}]`, { cause });
    }
    while (answers.length > 0 && answers[answers.length - 1] + 1 === options[options.length - 1]) {
      answers.pop();
      options.pop();
    }
    if (answers.length === 0) return runs;
    answers[answers.length - 1]++;
  }
}

/** Runs the script once for every distribution of the other side's actions over it. Returns the number of runs. */
export function interleave(arrange: () => Sides): number {
  return exhaust((choose) => {
    const sides = arrange();
    const play = new Interleaving(sides, choose);
    replaceAtomics(play);
    try {
      sides.script();
      play.runOther();
    } finally {
      restoreAtomics();
    }
    const { isScriptAsleep, isOtherAsleep } = play;
    sides.check({ isScriptAsleep, isOtherAsleep });
  });
}

/** A point at which an interrupted script lets the other side run without an atomic call of its own. */
export function step(): void {
  Atomics.load(scratch, 0);
}

const scratch: Integers = new Int32Array(new SharedArrayBuffer(4));

/** Ends an action of the other side that waits. */
class FellAsleep extends Error {}

class Interleaving implements Outcome {
  isScriptAsleep = false;
  isOtherAsleep = false;

  readonly #other: readonly (() => void)[];
  readonly #choose: Choose;
  #next = 0;
  #isOtherRunning = false;

  constructor(sides: Sides, choose: Choose) {
    this.#other = sides.other;
    this.#choose = choose;
  }

  /** A point in the script at which any number of the other side's actions may run. */
  interrupt(): void {
    if (this.#isOtherRunning || !this.#canOtherRun()) return;
    let count = this.#choose(this.#other.length - this.#next + 1);
    for (; count > 0 && this.#canOtherRun(); count--) this.#runNext();
  }

  /** Runs the remaining actions of the other side, as far as possible. */
  runOther(): void {
    while (this.#canOtherRun()) this.#runNext();
  }

  wait(words: Integers, index: number, value: number): 'ok' | 'not-equal' | 'timed-out' {
    if (real.load(words, index) !== value) return 'not-equal';
    if (this.#isOtherRunning) {
      this.isOtherAsleep = true;
      throw new FellAsleep();
    }
    this.isScriptAsleep = true;
    while (this.isScriptAsleep && this.#canOtherRun()) this.#runNext();
    return this.isScriptAsleep ? 'timed-out' : 'ok';
  }

  /** Both sides wait on their own bells, and neither notifies itself. */
  notify(): void {
    if (this.#isOtherRunning) this.isScriptAsleep = false;
    else this.isOtherAsleep = false;
  }

  #canOtherRun(): boolean {
    return this.#next < this.#other.length && !this.isOtherAsleep;
  }

  #runNext(): void {
    this.#isOtherRunning = true;
    try {
      this.#other[this.#next++]();
    } catch (error) {
      if (!(error instanceof FellAsleep)) throw error;
    } finally {
      this.#isOtherRunning = false;
    }
  }
}

function replaceAtomics(play: Interleaving): void {
  const between = <T>(call: () => T): T => {
    play.interrupt();
    const result = call();
    play.interrupt();
    return result;
  };
  Object.assign(Atomics, {
    load: (words: Integers, index: number) => between(() => real.load(words, index)),
    store: (words: Integers, index: number, value: number) =>
      between(() => real.store(words, index, value)),
    add: (words: Integers, index: number, value: number) =>
      between(() => real.add(words, index, value)),
    wait: (words: Integers, index: number, value: number) =>
      between(() => play.wait(words, index, value)),
    notify: () => between(() => play.notify()),
  });
}

function restoreAtomics(): void {
  Object.assign(Atomics, real);
}
