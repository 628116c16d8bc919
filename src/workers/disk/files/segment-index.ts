/**
 * Lists the segments in the data directory, for queues without metadata, and the segments that have states.
 *
 * A directory of many queues is long, and most queues have no metadata when they open because they are new. So the
 * directory is listed once. That list is only a hint, as files change later. The list of sidecars is kept up to date,
 * since only this thread changes them.
 *
 * Errors: all except `forget` throw if the directory cannot be listed; the next call tries again.
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

  /** Segments that the queue has now, ascending. Slow: lists the whole directory. */
  list(queueName: string): readonly number[] {
    return this.#listAll().get(filePrefix(queueName)) ?? [];
  }

  /**
   * Segments of the queue that have states, undefined if there are none. The writer of states keeps the set up to date.
   */
  states(queueName: string): Set<number> | undefined {
    this.#states ??= this.#listSidecars();
    return this.#states.get(filePrefix(queueName));
  }

  /** Segments of the queue that had checksums when the process began; the second call for a queue returns none. */
  takeChecksums(queueName: string): readonly number[] {
    this.#states ??= this.#listSidecars();
    const prefix = filePrefix(queueName);
    const segments = this.#checksums.get(prefix) ?? [];
    this.#checksums.delete(prefix);
    return segments;
  }

  /** Sets what `states` returns for the queue. */
  setStates(queueName: string, segments: Set<number>): void {
    this.#states ??= this.#listSidecars();
    this.#states.set(filePrefix(queueName), segments);
  }

  /** Whether the sidecars were listed, and not skipped. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Stops trying to list the sidecars: from now on only those that this thread creates count. */
  skipSidecars(): void {
    this.#states = new Map();
    this.#isComplete = false;
  }

  /** Makes `known` list again, because the metadata of a queue no longer describes its files. */
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

/** The segments of each queue that have a file of this kind among these names. */
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
