// Writes docs/api.md from the types: `node scripts/api.ts`. A test fails while the page is not what this writes.
import { writeFileSync } from 'node:fs';
import { API_PAGE, publicDeclarations, writtenApi } from './api/written-api.ts';

writeFileSync(API_PAGE, writtenApi(publicDeclarations()));
console.log(`written: ${API_PAGE}`);
