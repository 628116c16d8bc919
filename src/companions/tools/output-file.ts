/**
 * The file of a topic's archive, and its successors: opened, written, synced, rotated, moved.
 *
 * Bytes are written as they come, or with an encoder at each sync. The revision in a name rises until the file is new,
 * if it must be. A finished file moves from the work directory by a link and an unlink, which replace nothing.
 *
 * Thread: main.
 * Source: nsq_to_file `FileLogger`. Differs in syncing directories too, and in ending an incomplete last line of a file
 * that it continues, so that the next record does not become part of it.
 */

import { constants } from 'node:fs';
import { type FileHandle, link, open, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectories } from '../../daemon/directories.ts';
import type { Encoder } from './encoder.ts';
import { withRev } from './file-name.ts';

/** How files are kept. */
export type OutputSetup = {
  readonly outputDir: string;
  readonly workDir: string;
  /** Null: bytes are written as they are. */
  readonly encoder: Encoder | null;
  /** Whether existing files are left alone. */
  readonly isExclusive: boolean;
  /** Whether records end with a line end. */
  readonly hasLines: boolean;
  /** Units: bytes before compression; 0: no limit. */
  readonly rotateBytes: number;
  /** Units: ms since the file was opened; 0: no limit. */
  readonly rotateMs: number;
  readonly monotonicMs: () => number;
  readonly log: (level: 'info' | 'warn', text: string) => void;
};

const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o770;
const LINE_END = 0x0a;

export class OutputFile {
  readonly #setup: OutputSetup;
  #file: { readonly handle: FileHandle; readonly path: string } | null = null;
  #name = '';
  #rev = 0;
  #openedMs = 0;
  #bytes = 0;
  /** Written since the last sync, for the encoder. */
  #uncoded: Buffer[] = [];

  constructor(setup: OutputSetup) {
    this.#setup = setup;
  }

  get isOpen(): boolean {
    return this.#file !== null;
  }

  /** Whether a record for a file of this name belongs to the next file. `moreBytes` are not written yet. */
  needsRotation(name: string, moreBytes = 0): boolean {
    const { rotateMs, rotateBytes } = this.#setup;
    if (this.#file === null || name !== this.#name) return true;
    if (rotateMs > 0 && this.#setup.monotonicMs() - this.#openedMs > rotateMs) return true;
    return rotateBytes > 0 && this.#bytes + moreBytes > rotateBytes;
  }

  /** Closes the file and opens the next one. */
  async rotate(name: string): Promise<void> {
    await this.close();
    this.#rev = name === this.#name ? this.#rev + 1 : 0;
    this.#name = name;
    while (!(await this.#tryOpen())) this.#rev++;
    this.#openedMs = this.#setup.monotonicMs();
  }

  /** Errors: rejects if not all bytes are written. */
  async write(pieces: readonly Buffer[], size: number): Promise<void> {
    if (size === 0) return;
    this.#bytes += size;
    const bytes = Buffer.concat(pieces, size);
    if (this.#setup.encoder === null) await this.#append(bytes);
    else this.#uncoded.push(bytes);
  }

  /** Resolves when everything written is on the disk. */
  async sync(): Promise<void> {
    const { encoder } = this.#setup;
    if (encoder !== null && this.#uncoded.length > 0) {
      const bytes = Buffer.concat(this.#uncoded);
      this.#uncoded = [];
      await this.#append(await encoder.encode(bytes));
    }
    await this.#file?.handle.sync();
  }

  /** Syncs, closes and moves the file, if one is open. */
  async close(): Promise<void> {
    if (this.#file === null) return;
    await this.sync();
    const { handle, path: from } = this.#file;
    await handle.close();
    this.#file = null;
    if (this.#setup.workDir !== this.#setup.outputDir) await this.#move(from);
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#file === null) throw new Error('no file is open');
    // Repeats partial writes.
    await this.#file.handle.appendFile(bytes);
  }

  /** Resolves with false if the file cannot be used for writing. */
  async #tryOpen(): Promise<boolean> {
    const { workDir, outputDir, isExclusive, rotateBytes, log } = this.#setup;
    const relative = withRev(this.#name, this.#rev);
    const file = path.join(workDir, relative);
    await makeDirectories(path.dirname(file), DIRECTORY_MODE);
    if (workDir !== outputDir) {
      const moved = path.join(outputDir, relative);
      await makeDirectories(path.dirname(moved), DIRECTORY_MODE);
      if (await exists(moved)) {
        log('warn', `output file already exists: ${moved}`);
        return false;
      }
    }
    const handle = await openFile(file, isExclusive);
    if (handle === null) {
      log('warn', `working file already exists: ${file}`);
      return false;
    }
    log('info', `opening ${file}`);
    const { size } = await handle.stat();
    if (rotateBytes > 0 && size > rotateBytes) {
      log('info', `${file} currently ${size} bytes (> ${rotateBytes}), rotating...`);
      await handle.close();
      return false;
    }
    await syncDirectory(path.dirname(file));
    this.#file = { handle, path: file };
    this.#bytes = size;
    if (size > 0 && this.#setup.hasLines) await this.#endLine(size);
    return true;
  }

  async #endLine(size: number): Promise<void> {
    const last = Buffer.alloc(1);
    await this.#file?.handle.read(last, 0, 1, size - 1);
    if (last[0] !== LINE_END) await this.write([Buffer.of(LINE_END)], 1);
  }

  async #move(from: string): Promise<void> {
    const { workDir, outputDir, log } = this.#setup;
    const at = path.relative(workDir, from);
    let to = path.join(outputDir, at);
    log('info', `moving finished file ${from} to ${to}`);
    for (let rev = this.#rev + 1; !(await tryLink(from, to)); rev++) {
      log('warn', `destination file already exists: ${to}`);
      to = path.join(outputDir, withRev(this.#name, rev));
    }
    await syncDirectory(path.dirname(to));
    await unlink(from);
  }
}

/** Resolves with null if the file exists but must be new. */
async function openFile(file: string, isExclusive: boolean): Promise<FileHandle | null> {
  const { O_RDWR, O_CREAT, O_EXCL, O_APPEND } = constants;
  const flags = O_RDWR | O_CREAT | (isExclusive ? O_EXCL : O_APPEND);
  try {
    return await open(file, flags, FILE_MODE);
  } catch (error) {
    if (isExistence(error)) return null;
    throw error;
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isExistence(error)) return false;
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function isExistence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

/** A new name survives a power cut only if its directory is synced. */
async function syncDirectory(directory: string): Promise<void> {
  // Windows has no handles of directories.
  if (process.platform === 'win32') return;
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
