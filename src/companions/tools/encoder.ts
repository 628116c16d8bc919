/**
 * Compression of archive files: in independent members (gzip) or frames (zstd), one for each sync. Synced data can
 * therefore be read whatever happens to the data after it.
 *
 * Thread: main; compression runs on Node's thread pool.
 */

import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';

/** Compresses the data between two syncs. */
export type Encoder = {
  /** The ending of file names. */
  readonly suffix: string;
  readonly encode: (bytes: Buffer) => Promise<Buffer>;
};

const gzipBytes = promisify(gzip);
const zstdBytes = promisify(zstdCompress);

/** Units: `level` 1 (fast) to 9 (small). */
export function gzipEncoder(level: number): Encoder {
  return { suffix: '.gz', encode: (bytes) => gzipBytes(bytes, { level }) };
}

/** Units: `level` 1 (fast) to 19 (small). */
export function zstdEncoder(level: number): Encoder {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return { suffix: '.zst', encode: (bytes) => zstdBytes(bytes, { params }) };
}
