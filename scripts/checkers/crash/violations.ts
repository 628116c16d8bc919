/**
 * The violations that were found.
 */

/** The rules for a broker, by their names in reports. */
export const RULES = [
  'unknown body',
  'lost',
  'too early',
  'redelivered after finish',
  'in flight twice',
  'attempts decrease',
  'refused',
  'left over',
  'unclean end',
] as const;

/** A rule. */
export type Rule = (typeof RULES)[number];

/** Most violations that are kept; further ones are only counted. */
const KEPT_MAX = 20;

export class Violations {
  readonly #texts: string[] = [];
  readonly #counts = new Map<Rule, number>();
  readonly #ignored: ReadonlySet<Rule>;

  /** Ignored rules are those that the broker does not claim to keep. */
  constructor(ignored: readonly Rule[] = []) {
    this.#ignored = new Set(ignored);
  }

  /** The number of violations of each rule. */
  get counts(): ReadonlyMap<Rule, number> {
    return this.#counts;
  }

  /** The first violations, in words. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(rule: Rule, text: string): void {
    if (this.#ignored.has(rule)) return;
    this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + 1);
    if (this.#texts.length < KEPT_MAX) this.#texts.push(`${rule}: ${text}`);
  }
}
