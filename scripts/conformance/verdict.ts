/** The verdict on a run of the conformance kit, given the lists of cases that are known to differ. */

/** One case as the kit reports it with `--json`. */
export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  /** The first step that differs. */
  readonly why?: string;
}

/** A case that is known to fail, and the reason why that is accepted. */
export interface ListedCase {
  readonly case: string;
  readonly reason: string;
}

export interface Lists {
  /** Cases that are to pass later; one that passes must leave the list, so that the list only shrinks. */
  readonly notPassingYet: readonly ListedCase[];
  /** Cases in which the broker deliberately differs from nsqd. */
  readonly betterThanNsqd: readonly ListedCase[];
}

export interface Verdict {
  /** Cases that passed and were expected to. */
  readonly passed: number;
  /** How many failed cases the lists account for. */
  readonly excused: number;
  /** The faults, one text for each case; the run is good if there are none. */
  readonly faults: readonly string[];
}

/**
 * Compares results with lists. `isWhole`: whether all cases of the kit were run, so that a listed case without a result
 * is a fault too.
 */
export function evaluate(results: readonly CaseResult[], lists: Lists, isWhole: boolean): Verdict {
  const notYet = new Set(lists.notPassingYet.map((listed) => listed.case));
  const better = new Set(lists.betterThanNsqd.map((listed) => listed.case));
  const names = new Set(results.map(({ name }) => name));
  const faults: string[] = [];
  let passed = 0;
  let excused = 0;
  for (const { name, ok } of results) {
    if (ok && notYet.has(name)) {
      faults.push(`"${name}" passes: remove it from not-passing-yet.json`);
    } else if (ok) passed++;
    else if (notYet.has(name) || better.has(name)) excused++;
    else faults.push(`"${name}" fails`);
  }
  for (const name of new Set([...notYet, ...better])) {
    if (notYet.has(name) && better.has(name)) faults.push(`"${name}" is in both lists`);
    if (isWhole && !names.has(name)) faults.push(`"${name}" is listed but no case of the kit`);
  }
  return { passed, excused, faults };
}

/**
 * Reads a list of cases.
 *
 * Errors: throws if the text is not an array of objects with the texts `case` and `reason`; `name` identifies the list.
 */
export function parseList(name: string, text: string): ListedCase[] {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw new Error(`read ${name}: not an array`);
  return parsed.map((listed: unknown) => {
    if (!isListedCase(listed)) {
      throw new Error(`read ${name}: not a case with its reason: ${JSON.stringify(listed)}`);
    }
    return { case: listed.case, reason: listed.reason };
  });
}

/** Reads a line of the kit's output; undefined if it is not the result of a case. */
export function parseResult(line: string): CaseResult | undefined {
  if (!line.startsWith('{')) return undefined;
  // only the kit writes here, and always this shape
  const { name, ok, why } = JSON.parse(line) as CaseResult;
  return why === undefined ? { name, ok } : { name, ok, why };
}

function isListedCase(listed: unknown): listed is ListedCase {
  if (typeof listed !== 'object' || listed === null) return false;
  if (!('case' in listed) || !('reason' in listed)) return false;
  return (
    typeof listed.case === 'string' && typeof listed.reason === 'string' && listed.reason !== ''
  );
}
