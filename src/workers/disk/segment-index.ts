/**
 * Which segments lie in the data directory, for queues whose metadata does not say.
 *
 * A directory of many queues is long, and most queues open without metadata because they are new. So the
 * directory is listed once, and that list is asked; what it says is a hint to be checked, as files come and go
 * after it.
 *
 * Errors: `known` and `list` throw when the directory cannot be listed; the next call tries again.
 * Thread: disk.
 */

import { fileError } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import { filePrefix, parseSegmentName } from './queue-files.ts';

export class SegmentIndex {
  readonly #fileSystem: FileSystem;
  readonly #dataPath: string;
  #known: Map<string, number[]> | undefined;

  constructor(fileSystem: FileSystem, dataPath: string) {
    this.#fileSystem = fileSystem;
    this.#dataPath = dataPath;
  }

  /** Segments that the queue had when the directory was last listed for all queues, ascending. */
  known(queueName: string): readonly number[] {
    this.#known ??= this.#listAll();
    return this.#known.get(filePrefix(queueName)) ?? [];
  }

  /** Segments that the queue has now, ascending. Takes the time of listing the whole directory. */
  list(queueName: string): readonly number[] {
    return this.#listAll().get(filePrefix(queueName)) ?? [];
  }

  /** Makes `known` list anew: a queue was left in a state that its metadata does not tell. */
  forget(): void {
    this.#known = undefined;
  }

  #listAll(): Map<string, number[]> {
    const segments = new Map<string, number[]>();
    for (const fileName of this.#listDirectory()) {
      const parsed = parseSegmentName(fileName);
      if (parsed === undefined) continue;
      const numbers = segments.get(parsed.prefix);
      if (numbers === undefined) segments.set(parsed.prefix, [parsed.segment]);
      else numbers.push(parsed.segment);
    }
    for (const numbers of segments.values()) numbers.sort((a, b) => a - b);
    return segments;
  }

  #listDirectory(): string[] {
    try {
      return this.#fileSystem.list(this.#dataPath);
    } catch (cause) {
      throw fileError('list directory', this.#dataPath, cause);
    }
  }
}
