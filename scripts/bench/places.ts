/**
 * The paths of the programs that are started, in the sources and in an installed package.
 */

import { fileURLToPath } from 'node:url';

/** The extension of the running file: sources run directly, the published package is compiled. */
export const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The program of this broker. */
export const BROKER_PROGRAM = place(
  EXTENSION === 'ts' ? '../../src/main/start.cjs' : '../../main/start.cjs',
);
/** The server that discards its input. */
export const NULL_SINK_PROGRAM = place(`./null-sink.${EXTENSION}`);

function place(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
