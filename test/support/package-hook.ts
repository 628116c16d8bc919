/**
 * Lets programs import this package by its name, as its users do, and resolves it to the sources: for examples that are
 * run with `node --import`.
 */

import { registerHooks } from 'node:module';

const ENTRIES: Readonly<Record<string, string>> = {
  ringmq: '../../src/embedded/embedded.ts',
  'ringmq/client': '../../src/client/client.ts',
};

registerHooks({
  resolve(specifier, context, next) {
    if (!Object.hasOwn(ENTRIES, specifier)) return next(specifier, context);
    return { url: new URL(ENTRIES[specifier], import.meta.url).href, shortCircuit: true };
  },
});
