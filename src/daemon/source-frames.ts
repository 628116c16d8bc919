/**
 * Maps the places in a stack from a bundle to the sources.
 *
 * Node can do so itself (`--enable-source-maps`), and then reads each map at the start. This code reads the maps when a
 * stack is shown, which takes up to a quarter of a second, so it is for errors that end the program.
 *
 * Thread: any.
 */

import { readFileSync } from 'node:fs';
import type { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A place in a file, as stacks show it. */
const PLACE = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g;

/** Replaces places in bundles by places in the sources. Places without a map stay unchanged. */
export function atSources(stack: string): string {
  const maps = new Map<string, SourceMap | null>();
  return stack.replaceAll(PLACE, (place: string, url: string, line: string, column: string) => {
    let map = maps.get(url);
    if (map === undefined) {
      map = readMap(url);
      maps.set(url, map);
    }
    const origin = map?.findOrigin(Number(line), Number(column));
    if (origin === undefined || !('fileName' in origin)) return place;
    return `${new URL(origin.fileName, url)}:${origin.lineNumber}:${origin.columnNumber}`;
  });
}

/** The source map of a file, if there is a readable one. */
function readMap(url: string): SourceMap | null {
  const { SourceMap } = process.getBuiltinModule('node:module');
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')));
  } catch {
    // The place in the bundle is still worth showing.
    return null;
  }
}
