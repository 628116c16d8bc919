/**
 * A table as text: columns as wide as their widest cell, two spaces between them.
 *
 * Thread: any (pure).
 */

const GAP = '  ';

/** Formats rows of equal length under their headings. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column].length)),
  );
  return [headings, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]))
          .join(GAP)
          .trimEnd()}\n`,
    )
    .join('');
}
