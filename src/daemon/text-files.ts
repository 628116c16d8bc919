/**
 * Storage for small texts that are read and replaced as a whole: in files, or in memory for a program that leaves
 * nothing behind.
 *
 * Thread: main.
 */

import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorText } from '../shared/error-text.ts';
import { makeDirectories } from './directories.ts';

/** Errors: every call rejects with the error of the system. */
export interface TextFiles {
  /** Undefined if the file does not exist. */
  read(file: string): Promise<string | undefined>;
  /** Replaces the text of a file. A kill at any moment leaves the old text or the new one. */
  replace(file: string, text: string): Promise<void>;
  /** Makes the names in a directory durable. */
  syncDirectory(directory: string): Promise<void>;
  /** Creates a directory and its parents durably, if it does not exist. */
  makeDirectory(directory: string): Promise<void>;
}

/**
 * More than such a file ever has: a million topics take 60 MB. Reading a file takes memory and time in proportion to
 * its size.
 */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const RANDOM_MAX = 2 ** 31;

/** Files of the machine: written beside, synced, renamed, and the directory synced. */
export const DISK_FILES: TextFiles = {
  async read(file) {
    try {
      const { size } = await stat(file);
      if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, ${FILE_BYTES_MAX} at most`);
      return await readFile(file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },

  async replace(target, text) {
    const temporary = `${target}.${Math.floor(Math.random() * RANDOM_MAX)}.tmp`;
    try {
      const file = await open(temporary, 'w', FILE_MODE);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, target);
    } catch (error) {
      // The next start removes a leftover.
      await rm(temporary, { force: true }).catch(errorText);
      throw error;
    }
    await this.syncDirectory(path.dirname(target));
  },

  async syncDirectory(directory) {
    // Windows has no way to sync a directory, and needs none.
    if (process.platform === 'win32') return;
    const file = await open(directory, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  },

  async makeDirectory(directory) {
    for (const made of await makeDirectories(directory, DIRECTORY_MODE)) {
      await this.syncDirectory(path.dirname(made));
    }
  },
};

/** Texts that last as long as the program. */
export class MemoryTexts implements TextFiles {
  readonly #texts = new Map<string, string>();

  async read(file: string): Promise<string | undefined> {
    return this.#texts.get(file);
  }

  async replace(file: string, text: string): Promise<void> {
    this.#texts.set(file, text);
  }

  async syncDirectory(): Promise<void> {
    // Nothing is durable here.
  }

  async makeDirectory(): Promise<void> {
    // Names are enough.
  }
}
