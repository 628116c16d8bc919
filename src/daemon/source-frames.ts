/**
 * Says where the sources of a bundle are to blame.
 *
 * Node can do so itself (`--enable-source-maps`), and then reads each map at the start. This reads them when a stack is
 * shown, which takes up to a quarter of a second, so it is for errors that end the program.
 *
 * Thread: any.
 */

import { readFileSync } from 'node:fs';
import type { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A place in a file, as stacks show it. */
const PLACE = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g;

/** Replaces the places in bundles by those in the sources. What has no map stays as it is. */
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

/** The map beside a file, if there is one that can be read. */
function readMap(url: string): SourceMap | null {
  const { SourceMap } = process.getBuiltinModule('node:module');
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')));
  } catch {
    // The place in the bundle is still worth showing.
    return null;
  }
}
