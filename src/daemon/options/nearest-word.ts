/**
 * Suggests a known word for a mistyped one.
 *
 * Thread: any (pure).
 */

/** One typo is tolerated per this many letters. */
const LETTERS_PER_EDIT = 2.5;
const EDITS_MAX = 4;
/** Shorter parts of a word occur in unrelated ones. */
const PART_LENGTH_MIN = 3;
/** Longer words are not treated as typos. */
const WORD_LENGTH_MAX = 64;

/** `; did you mean x?`, or an empty text if no known word is close. */
export function suggestion(word: string, known: Iterable<string>, prefix = ''): string {
  const nearest = nearestWord(word, known);
  return nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
}

/** As `suggestion`, for one of a few choices, of which a part is enough: `verify` means `require-verify`. */
export function choiceHint(word: string, choices: readonly string[]): string {
  const meant = nearestWord(word, choices) ?? partner(word, choices);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/**
 * The known word with the smallest edit distance, if that is small enough; case and the choice of `-` or `_` do not
 * count.
 */
function nearestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > WORD_LENGTH_MAX) return undefined;
  const wanted = plain(word);
  const editsMax = Math.min(Math.floor(wanted.length / LETTERS_PER_EDIT), EDITS_MAX);
  let nearest: string | undefined;
  let fewest = editsMax + 1;
  for (const candidate of known) {
    const edits = editCount(wanted, plain(candidate));
    if (edits >= fewest) continue;
    nearest = candidate;
    fewest = edits;
  }
  return nearest;
}

/** The first choice that begins or ends with the word, or that the word begins or ends with. */
function partner(word: string, choices: Iterable<string>): string | undefined {
  const wanted = plain(word);
  for (const candidate of choices) {
    const [short, long] = [wanted, plain(candidate)].sort((a, b) => a.length - b.length);
    if (short.length < PART_LENGTH_MIN) continue;
    if (long.startsWith(short) || long.endsWith(short)) return candidate;
  }
  return undefined;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** The number of insertions, deletions, substitutions and swaps of neighbours. Source: optimal string alignment. */
function editCount(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const isSame = from[i - 1] === to[j - 1];
      let edits = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (isSwap) edits = Math.min(edits, before[j - 2] + 1);
      next.push(edits);
    }
    before = row;
    row = next;
  }
  return row[to.length];
}
