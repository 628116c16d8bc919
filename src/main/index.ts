#!/usr/bin/env node
/**
 * The same program under a name of TypeScript, for a Node that strips types: `node src/main/index.ts`. An older Node
 * refuses this file before anything in it can speak; `start.cjs` tells it what it needs.
 *
 * Thread: main.
 */

import './start.cjs';
