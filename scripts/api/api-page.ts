/** The page that shows the public interface, as Markdown. */

import type { Declaration } from './declarations.ts';

/** What is imported by one name. */
export type ApiEntry = { readonly name: string; readonly declarations: readonly Declaration[] };

const HEAD = `# The public interface

This page is generated from the types: \`node scripts/api.ts\` writes it, and a test compares it. A change here is a change
for users, and belongs into the changelog.
`;

/** The whole page. */
export function apiPage(entries: readonly ApiEntry[]): string {
  const contents = entries.flatMap(({ name, declarations }) => [
    `- \`${name}\``,
    ...declarations.map((declaration) => `  - [${declaration.name}](#${anchorOf(declaration)})`),
  ]);
  const sections = entries.flatMap(({ name, declarations }) => [
    `## From \`${name}\``,
    ...declarations.map(sectionOf),
  ]);
  return `${[HEAD, contents.join('\n'), ...sections].join('\n').replaceAll(/\n{3,}/g, '\n\n')}`;
}

function anchorOf({ name }: Declaration): string {
  return name.toLowerCase();
}

function sectionOf({ name, text, examples, code }: Declaration): string {
  const parts = [`\n### ${name}`, text, fenced(code)];
  if (examples.length > 0) parts.push('For example:', ...examples.map(fenced));
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function fenced(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}
