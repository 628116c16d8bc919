/**
 * All options in force as a configuration file, which yields the same options when it is read.
 *
 * Thread: any.
 */

import { duration, logLevel, portion, size, tlsRequired, tlsVersion } from './option-kinds.ts';
import type { OptionRows } from './option-table.ts';
import { tomlPackage } from './toml.ts';

/** Kinds that are text in a file, as in a flag; the others are written as over HTTP. */
const AS_TEXT: ReadonlySet<unknown> = new Set([
  duration,
  logLevel,
  portion,
  size,
  tlsRequired,
  tlsVersion,
]);

/** The file's text: the keys of a group follow a line with its name. */
export function configText(rows: OptionRows, options: object): string {
  let text = '';
  let lastGroup = '';
  for (const [name, { key, kind, group }] of rows) {
    // The row of this name produced the value of this name, so their types agree.
    const value = options[name as keyof typeof options];
    const shown = AS_TEXT.has(kind) ? kind.spell(value) : kind.show(value);
    if (group !== lastGroup) text += `${lastGroup === '' ? '' : '\n'}# ${group}\n`;
    lastGroup = group;
    text += `${tomlPackage()
      .stringify({ [key]: shown })
      .trimEnd()}\n`;
  }
  return text;
}
