// Writes docs/api.md from the types: `node scripts/api.ts`.
import { writeFileSync } from 'node:fs';
import { API_PAGE, publicDeclarations, writtenApi } from './api/written-api.ts';
import { readArguments } from './kit/arguments.ts';

const USAGE = `usage: node scripts/api.ts

Writes docs/api.md from the types of the public API. npm test fails while the page differs from what
this would write.`;

readArguments(USAGE, {});

writeFileSync(API_PAGE, writtenApi(publicDeclarations()));
console.log(`written: ${API_PAGE}`);
