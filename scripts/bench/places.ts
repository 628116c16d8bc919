/**
 * Where the programs are that are started, from the sources as well as from an installed package.
 */

import { fileURLToPath } from 'node:url';

/** The running file's own ending: sources run as they are, the published package is compiled. */
export const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** This broker's program. */
export const BROKER_PROGRAM = place(
  EXTENSION === 'ts' ? '../../src/main/start.cjs' : '../../main/start.cjs',
);
/** The server that reads and throws away. */
export const NULL_SINK_PROGRAM = place(`./null-sink.${EXTENSION}`);

function place(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
