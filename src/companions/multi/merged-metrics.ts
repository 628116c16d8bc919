/**
 * The metrics of several brokers as one text: the samples of a metric stay together, and each gets the label `broker`.
 *
 * Thread: any.
 * Source: Prometheus exposition format 0.0.4.
 */

/** The answer of one broker. */
export type MetricsAnswer = { readonly name: string; readonly text: string };

type Family = { readonly comments: string[]; readonly samples: string[] };

const COMMENT = /^# (?:HELP|TYPE|UNIT) (\S+)/;
const SAMPLE = /^([A-Za-z_:][\w:]*)(\{)?/;

/** The text of all of them. */
export function mergedMetrics(answers: readonly MetricsAnswer[]): string {
  const families = new Map<string, Family>();
  for (const { name, text } of answers) addMetrics(families, name, text);
  return [...families.values()]
    .flatMap(({ comments, samples }) => [...comments, ...samples])
    .map((line) => `${line}\n`)
    .join('');
}

/** Samples follow the comments of their family. */
function addMetrics(families: Map<string, Family>, broker: string, text: string): void {
  let family: Family | undefined;
  for (const line of text.split('\n')) {
    const commented = COMMENT.exec(line)?.[1];
    if (commented !== undefined) {
      const known = families.get(commented);
      family = known ?? { comments: [], samples: [] };
      if (known === undefined) families.set(commented, family);
      if (!family.comments.includes(line) && family.samples.length === 0) {
        family.comments.push(line);
      }
    } else if (family !== undefined && SAMPLE.test(line)) {
      family.samples.push(labelled(line, broker));
    }
  }
}

function labelled(line: string, broker: string): string {
  return line.replace(SAMPLE, (_, name: string, open: string | undefined) =>
    open === undefined ? `${name}{broker="${broker}"}` : `${name}{broker="${broker}",`,
  );
}
