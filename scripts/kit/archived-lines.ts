/** Reads the files that `ringmq to-file` has written. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** The lines of all files below a directory. An incomplete end of a compressed file is left out. */
export async function archivedLines(directory: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(directory, name);
    if (!/\.(?:log|gz|zst)$/.test(file)) continue;
    const text = (await decoded(file)).toString();
    for (const line of text.split('\n')) if (line !== '') lines.push(line);
  }
  return lines;
}

async function decoded(file: string): Promise<Buffer> {
  const bytes = readFileSync(file);
  const decoder = file.endsWith('.gz')
    ? createGunzip()
    : file.endsWith('.zst')
      ? createZstdDecompress()
      : null;
  if (decoder === null) return bytes;
  const pieces: Buffer[] = [];
  decoder.on('data', (piece: Buffer) => pieces.push(piece));
  try {
    await pipeline([bytes], decoder);
  } catch (error) {
    // A process that is killed leaves its last member incomplete.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
  return Buffer.concat(pieces);
}
