#!/usr/bin/env node
/**
 * The same program as a TypeScript file, for a Node that strips types: `node src/main/index.ts`. An older Node rejects
 * this file before it can run; `start.cjs` tells such a user which version is needed.
 *
 * Thread: main.
 */

import './start.cjs';
