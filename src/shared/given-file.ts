/**
 * Reads the small files that an operator names: configuration, access file, certificates, keys.
 *
 * A name may lead anywhere. A named pipe without a writer would block the broker before its first log line, and a
 * device has no end, so neither is waited for. Names below /dev and /proc may be pipes that a shell has opened, as in
 * `--config=<(generate)`; those are read to their end.
 *
 * Bound: files of 16 MiB.
 *
 * Thread: any.
 */

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/** More than any such file has: all authorities of the web take 0.3 MB. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** Larger than the buffers that Node cuts out of a shared one: keys may be in them. */
const PART_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;
/** Windows has no such flag, and no named pipes among its files. */
const WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const OF_SHELL = /^\/(?:dev|proc)\//;

/** Errors: throws if it cannot be read; the text of `systemErrorText` says why. */
export function readGivenFileSync(path: string): Buffer {
  const fd = openSync(path, openFlags(path));
  try {
    refuseOthers(path, fstatSync(fd));
    const parts = new Parts();
    for (;;) {
      const part = Buffer.allocUnsafe(PART_BYTES);
      if (parts.isLast(part, readSync(fd, part, 0, PART_BYTES, null))) return parts.whole();
    }
  } finally {
    closeSync(fd);
  }
}

/** As `readGivenFileSync`, for a running broker. Errors: rejects if it cannot be read. */
export async function readGivenFile(path: string): Promise<Buffer> {
  const file = await open(path, openFlags(path));
  try {
    refuseOthers(path, await file.stat());
    const parts = new Parts();
    for (;;) {
      const part = Buffer.allocUnsafe(PART_BYTES);
      const { bytesRead } = await file.read(part, 0, PART_BYTES, null);
      if (parts.isLast(part, bytesRead)) return parts.whole();
    }
  } finally {
    await file.close();
  }
}

/** The text of such a file. Errors: throws also if it is not UTF-8, with the line of the first wrong byte. */
export function readGivenTextSync(path: string): string {
  return utf8Text(readGivenFileSync(path));
}

/** As `readGivenTextSync`, for a running broker. */
export async function readGivenText(path: string): Promise<string> {
  return utf8Text(await readGivenFile(path));
}

/** Other encodings are refused: decoded as UTF-8, names and passwords would silently be different. */
function utf8Text(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let from = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf(LINE_FEED, from);
    const isWrong = !isUtf8(bytes.subarray(from, end === -1 ? bytes.length : end));
    if (isWrong) throw new Error(`line ${line}: it is not UTF-8, in which the file must be saved`);
    from = end + 1;
  }
}

function openFlags(path: string): number {
  return OF_SHELL.test(path) ? constants.O_RDONLY : WITHOUT_WAITING;
}

function refuseOthers(path: string, stats: Stats): void {
  if (stats.isFIFO() && !OF_SHELL.test(path)) throw new Error('it is a named pipe, not a file');
}

/** What was read so far. Its buffers are zeroed at the end: a key stays only in what `whole` returns. */
class Parts {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  /** Takes the first `length` bytes of a part. Returns true at the end of the file. Errors: throws beyond the bound. */
  isLast(part: Buffer, length: number): boolean {
    if (length === 0) return true;
    this.#parts.push(part.subarray(0, length));
    this.#bytes += length;
    if (this.#bytes <= FILE_BYTES_MAX) return false;
    this.#forget();
    throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
  }

  whole(): Buffer {
    const whole = Buffer.concat(this.#parts);
    this.#forget();
    return whole;
  }

  #forget(): void {
    for (const part of this.#parts) part.fill(0);
  }
}
