/** The page with the public interface, as Markdown. */

import type { Declaration } from './declarations.ts';

/** The exports of one import specifier. */
export type ApiEntry = { readonly name: string; readonly declarations: readonly Declaration[] };

const HEAD = `# The public interface

This page is generated from the types: \`node scripts/api.ts\` writes it, and a test compares it. A change here is a change
for users, and belongs into the changelog.
`;

/** The whole page. A declaration that two entries export is shown with the last one, and only named with the other. */
export function apiPage(entries: readonly ApiEntry[]): string {
  const contents = entries.flatMap((entry) => [
    `- \`${entry.name}\``,
    ...shownIn(entry, entries).map((declaration) => `  - ${linkTo(declaration)}`),
  ]);
  const sections = entries.flatMap((entry) => [
    `## From \`${entry.name}\``,
    ...repeatedIn(entry, entries),
    ...shownIn(entry, entries).map(sectionOf),
  ]);
  return `${[HEAD, contents.join('\n'), ...sections].join('\n').replaceAll(/\n{3,}/g, '\n\n')}`;
}

/** The declarations that no later entry exports. */
function shownIn({ name, declarations }: ApiEntry, entries: readonly ApiEntry[]): Declaration[] {
  const later = entries.slice(entries.findIndex((entry) => entry.name === name) + 1);
  return declarations.filter(
    (declaration) =>
      !later.some((entry) => entry.declarations.some((other) => other.name === declaration.name)),
  );
}

/** A sentence that names the declarations shown elsewhere. */
function repeatedIn(entry: ApiEntry, entries: readonly ApiEntry[]): string[] {
  const shown = shownIn(entry, entries);
  const others = entry.declarations.filter((declaration) => !shown.includes(declaration));
  if (others.length === 0) return [];
  return [`\nAlso from here, the same as below: ${others.map(linkTo).join(', ')}.`];
}

function linkTo({ name }: Declaration): string {
  return `[${name}](#${name.toLowerCase()})`;
}

function sectionOf({ name, text, examples, code }: Declaration): string {
  const parts = [`\n### ${name}`, text, fenced(code)];
  if (examples.length > 0) parts.push('For example:', ...examples.map(fenced));
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function fenced(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}
