/**
 * The package for TOML, loaded when there is a configuration file to read or to print.
 *
 * Thread: any. This is the only file that names smol-toml.
 */

import { createRequire } from 'node:module';
import { atFirstUse } from '../../shared/first-use.ts';

/** The package's functions. */
export const tomlPackage = atFirstUse((): typeof import('smol-toml') =>
  createRequire(import.meta.url)('smol-toml'),
);
