/**
 * All options as a configuration file, as they are in force. Read again it gives the same options.
 *
 * Thread: any.
 */

import { duration, logLevel, portion, size, tlsRequired, tlsVersion } from './option-kinds.ts';
import type { OptionRows } from './option-table.ts';
import { tomlPackage } from './toml.ts';

/** Kinds that a file has as text, as a flag does; the others it has as they are shown over HTTP. */
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
    // The row of this name has made the value of this name, so their types agree.
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
