/** The rules for pages in Markdown: links to files and headings of this tree must not be broken. */

import path from 'node:path';
import type { Finding } from './finding.ts';

const LINK = /\]\(([^)\s]+)\)/g;
const OUTSIDE = /^[a-z]+:/;

/**
 * Checks the links of all pages.
 *
 * Shape: `pages` are given by their paths, with `/`, and their texts. `isThere` tells whether another file or folder
 * exists.
 */
export function checkPages(
  pages: ReadonlyMap<string, string>,
  isThere: (file: string) => boolean,
): Finding[] {
  const anchors = new Map([...pages].map(([file, text]) => [file, anchorsOf(text)]));
  const findings: Finding[] = [];
  for (const [file, text] of pages) {
    proseLines(text).forEach((prose, index) => {
      for (const [, link] of prose.matchAll(LINK)) {
        if (OUTSIDE.test(link)) continue;
        const [target, anchor] = link.split('#');
        const page = target === '' ? file : path.posix.join(path.posix.dirname(file), target);
        const headings = anchors.get(page);
        const line = index + 1;
        if (headings === undefined && !isThere(page)) {
          findings.push({ file, line, what: `a link to ${target}, which does not exist` });
        } else if (anchor !== undefined && headings?.has(anchor) !== true) {
          findings.push({ file, line, what: `a link to a heading that does not exist: ${link}` });
        }
      }
    });
  }
  return findings;
}

/** The lines of a page; code blocks and code spans are blanked. */
function proseLines(text: string): string[] {
  let isCode = false;
  return text.split('\n').map((line) => {
    const isFence = line.startsWith('```');
    if (isFence) isCode = !isCode;
    return isCode || isFence || line.startsWith('    ') ? '' : line.replaceAll(/`[^`]*`/g, codeOf);
  });
}

/** Keeps the letters of a code span, which are part of a heading's anchor, but nothing that looks like a link. */
function codeOf(span: string): string {
  return span.replaceAll(/[^\p{L}\p{N} _-]/gu, '');
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of proseLines(text)) {
    const heading = /^#{1,6} +(.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const base = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let number = 1; anchors.has(anchor); number++) anchor = `${base}-${number}`;
    anchors.add(anchor);
  }
  return anchors;
}
