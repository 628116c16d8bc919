/**
 * Which segments lie in the data directory, for queues whose metadata does not say, and which of them have states.
 *
 * A directory of many queues is long, and most queues open without metadata because they are new. So the
 * directory is listed once, and that list is asked; what it says is a hint to be checked, as files come and go
 * after it. The directory of the sidecars belongs to this thread alone, so its list is kept up to date instead.
 *
 * Errors: all but `forget` throw when the directory cannot be listed; the next call tries again.
 * Thread: disk.
 */

import { fileError } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import {
  filePrefix,
  parseSegmentName,
  type SegmentFileKind,
  sidecarDirectoryOf,
} from './queue-files.ts';

export class SegmentIndex {
  readonly #fileSystem: FileSystem;
  readonly #dataPath: string;
  #known: Map<string, number[]> | undefined;
  #states: Map<string, Set<number>> | undefined;
  /** Segments with checksums when the sidecars were listed. */
  #checksums = new Map<string, number[]>();
  #isComplete = true;

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

  /** Segments of the queue that have states, undefined if it has none: for whoever writes states to keep true. */
  states(queueName: string): Set<number> | undefined {
    this.#states ??= this.#listSidecars();
    return this.#states.get(filePrefix(queueName));
  }

  /** Segments of the queue that had checksums when the process began; the second call for a queue tells none. */
  takeChecksums(queueName: string): readonly number[] {
    this.#states ??= this.#listSidecars();
    const prefix = filePrefix(queueName);
    const segments = this.#checksums.get(prefix) ?? [];
    this.#checksums.delete(prefix);
    return segments;
  }

  /** Makes a set of segments the one that `states` tells. */
  setStates(queueName: string, segments: Set<number>): void {
    this.#states ??= this.#listSidecars();
    this.#states.set(filePrefix(queueName), segments);
  }

  /** Whether the list of sidecars is one, and not `skipSidecars` in its place. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** From now on there are only sidecars that this thread begins, as the others cannot be listed. */
  skipSidecars(): void {
    this.#states = new Map();
    this.#isComplete = false;
  }

  /** Makes `known` list anew: a queue was left in a state that its metadata does not tell. */
  forget(): void {
    this.#known = undefined;
  }

  #listAll(): Map<string, number[]> {
    const segments = ofKind(this.#listDirectory(this.#dataPath), 'dat');
    for (const numbers of segments.values()) numbers.sort((a, b) => a - b);
    return segments;
  }

  #listSidecars(): Map<string, Set<number>> {
    const directory = sidecarDirectoryOf(this.#dataPath);
    if (!this.#isThere(directory)) return new Map();
    const names = this.#listDirectory(directory);
    this.#checksums = ofKind(names, 'sums');
    const segments = ofKind(names, 'notes');
    return new Map([...segments].map(([prefix, numbers]) => [prefix, new Set(numbers)]));
  }

  #isThere(directory: string): boolean {
    try {
      return this.#fileSystem.size(directory) !== 'missing';
    } catch (cause) {
      throw fileError('look at directory', directory, cause);
    }
  }

  #listDirectory(directory: string): string[] {
    try {
      return this.#fileSystem.list(directory);
    } catch (cause) {
      throw fileError('list directory', directory, cause);
    }
  }
}

/** Segments with such a file among these names, for each queue. */
function ofKind(fileNames: readonly string[], kind: SegmentFileKind): Map<string, number[]> {
  const segments = new Map<string, number[]>();
  for (const fileName of fileNames) {
    const parsed = parseSegmentName(fileName);
    if (parsed?.kind !== kind) continue;
    const numbers = segments.get(parsed.prefix);
    if (numbers === undefined) segments.set(parsed.prefix, [parsed.segment]);
    else numbers.push(parsed.segment);
  }
  return segments;
}
