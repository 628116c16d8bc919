/**
 * A disk in memory that knows what of it is durable, for tests that pull the plug: `afterKill` is what a process
 * finds that is started after SIGKILL, `afterPowerLoss` what it finds after a crash of the machine.
 *
 * A sync makes a file's bytes and size durable; a name, whether new, gone or given to another file, is durable once
 * its directory is synced. What is not durable is there after a crash or is not, each for itself: names in any
 * combination that keeps a rename one step, bytes as in `CrashFile`. A file whose name is lost is lost, and so
 * is everything in a directory whose name is lost.
 *
 * `onCall` sees every call before it takes effect, and most writes twice, the second time when half of it is done.
 *
 * Thread: any.
 */

import { basename, dirname } from 'node:path';
import type { FileHandle, FileSystem } from '../../src/workers/disk/files/file-system.ts';
import { type Chooser, CrashFile } from './crash-file.ts';
import type { FaultyDisk } from './faulty-file-system.ts';
import { FileHandles } from './file-handles.ts';
import { SystemError } from './system-error.ts';

type Entry = CrashFile | 'directory';

/** Names that get or lose their files in one step. */
type NameChange = readonly { readonly path: string; readonly entry: Entry | undefined }[];

export class CrashFileSystem implements FaultyDisk {
  onCall: (action: keyof FileSystem, path: string) => void = () => undefined;

  readonly #entries = new Map<string, Entry>();
  readonly #durable = new Map<string, Entry>();
  #pending: NameChange[] = [];
  readonly #handles = new FileHandles<CrashFile>();

  /** These directories are there for good. */
  constructor(...directories: readonly string[]) {
    for (const directory of directories) {
      this.#entries.set(directory, 'directory');
      this.#durable.set(directory, 'directory');
    }
  }

  /** How many files are open. */
  get openCount(): number {
    return this.#handles.count;
  }

  /** Names of a directory's files, sorted. */
  names(directory: string): string[] {
    return this.#pathsIn(directory, (entry) => entry !== 'directory');
  }

  /** A file's bytes. Errors: throws when there is no such file. */
  content(path: string): Buffer {
    return this.#find('open', path).content();
  }

  /** All that can be read of this disk, in one text: two disks with the same one cannot be told apart. */
  image(): string {
    const lines: string[] = [];
    for (const [path, entry] of this.#entries) {
      lines.push(`${path} ${entry === 'directory' ? entry : entry.content().toString('latin1')}`);
    }
    return lines.sort().join('\n');
  }

  /** The disk as the next process finds it: everything is there, durable or not, and nothing is open. */
  afterKill(): CrashFileSystem {
    const clones = new Map<Entry, Entry>([['directory', 'directory']]);
    const clone = (entry: Entry): Entry => {
      const known = clones.get(entry);
      if (known !== undefined || entry === 'directory') return known ?? entry;
      const file = entry.clone();
      clones.set(entry, file);
      return file;
    };
    const disk = new CrashFileSystem();
    for (const [path, entry] of this.#entries) disk.#entries.set(path, clone(entry));
    for (const [path, entry] of this.#durable) disk.#durable.set(path, clone(entry));
    disk.#pending = this.#pending.map((change) =>
      change.map(({ path, entry }) => ({ path, entry: entry && clone(entry) })),
    );
    return disk;
  }

  /** A disk as it may be found when the power is back; all that is there is durable. */
  afterPowerLoss(choose: Chooser): CrashFileSystem {
    const entries = new Map(this.#durable);
    for (const change of this.#pending) if (choose(2) === 1) apply(change, entries);
    const disk = new CrashFileSystem();
    const paths = [...entries.keys()].sort();
    for (const path of paths) {
      const entry = entries.get(path);
      // A directory sorts before what is in it.
      const isReachable = disk.#entries.has(dirname(path)) || this.#isRoot(path);
      if (entry === undefined || !isReachable) continue;
      disk.#entries.set(path, entry === 'directory' ? entry : entry.afterPowerLoss(choose));
    }
    for (const [path, entry] of disk.#entries) disk.#durable.set(path, entry);
    return disk;
  }

  /** How much of a write may be done when it is cut off; 0 if it is one piece. */
  pieceOf(handle: FileHandle, length: number, position: number): number {
    return this.#handles.get(handle).file.pieceOf(length, position);
  }

  /** Has a sync of this file fail: the bytes that it should have written are not durable, and not tried again. */
  failSync(handle: FileHandle): void {
    this.#handles.get(handle).file.failSync();
  }

  openForReading(path: string): FileHandle | 'missing' {
    this.onCall('openForReading', path);
    return this.#openExisting(path, false);
  }

  openForWriting(path: string): FileHandle | 'missing' {
    this.onCall('openForWriting', path);
    return this.#openExisting(path, true);
  }

  create(path: string): FileHandle | 'exists' {
    this.onCall('create', path);
    if (this.#entries.has(path)) return 'exists';
    return this.#openNew('create', path);
  }

  createOrEmpty(path: string): FileHandle {
    this.onCall('createOrEmpty', path);
    if (!this.#entries.has(path)) return this.#openNew('createOrEmpty', path);
    const file = this.#find('createOrEmpty', path);
    file.truncate(0);
    return this.#handles.open(path, file, true);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    const { file, path } = this.#handles.get(handle);
    this.onCall('read', path);
    return file.read(target, offset, length, position);
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const { file, path } = this.#handles.getWritable(handle);
    const half = file.pieceOf(length, position);
    this.onCall('write', path);
    file.write(source.subarray(offset, offset + half), position);
    if (half > 0) this.onCall('write', path);
    file.write(source.subarray(offset + half, offset + length), position + half);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    const { file, path } = this.#handles.getWritable(handle);
    this.onCall('truncate', path);
    file.truncate(sizeBytes);
  }

  sync(handle: FileHandle): void {
    const { file, path } = this.#handles.get(handle);
    this.onCall('sync', path);
    file.sync();
  }

  close(handle: FileHandle): void {
    this.onCall('close', this.#handles.get(handle).path);
    this.#handles.close(handle);
  }

  isLinked(handle: FileHandle): boolean {
    const { file, path } = this.#handles.get(handle);
    this.onCall('isLinked', path);
    return [...this.#entries.values()].includes(file);
  }

  size(path: string): number | 'missing' {
    this.onCall('size', path);
    const entry = this.#entries.get(path);
    if (entry === 'directory') return 0;
    return entry?.size ?? 'missing';
  }

  rename(from: string, to: string): void {
    this.onCall('rename', from);
    const entry = this.#find('rename', from);
    this.#checkDirectory('rename', to);
    this.#change({ path: from, entry: undefined }, { path: to, entry });
  }

  remove(path: string): boolean {
    this.onCall('remove', path);
    if (!this.#entries.has(path)) return false;
    this.#find('remove', path);
    this.#change({ path, entry: undefined });
    return true;
  }

  list(directory: string): string[] {
    this.onCall('list', directory);
    this.#checkDirectory('list', `${directory}/*`);
    return this.#pathsIn(directory, () => true);
  }

  makeDirectory(path: string): void {
    this.onCall('makeDirectory', path);
    this.#checkDirectory('makeDirectory', path);
    if (!this.#entries.has(path)) this.#change({ path, entry: 'directory' });
  }

  syncDirectory(directory: string): void {
    this.onCall('syncDirectory', directory);
    this.#checkDirectory('syncDirectory', `${directory}/*`);
    this.#pending = this.#pending.filter((change) => {
      if (!change.some(({ path }) => dirname(path) === directory)) return true;
      apply(change, this.#durable);
      return false;
    });
  }

  #change(...change: NameChange): void {
    apply(change, this.#entries);
    this.#pending.push(change);
  }

  #pathsIn(directory: string, isWanted: (entry: Entry) => boolean): string[] {
    return [...this.#entries]
      .filter(([path, entry]) => dirname(path) === directory && isWanted(entry))
      .map(([path]) => basename(path))
      .sort();
  }

  /** Whether a path lies in no directory that this disk knows, as the data path does. */
  #isRoot(path: string): boolean {
    return !this.#entries.has(dirname(path)) && !this.#durable.has(dirname(path));
  }

  #openExisting(path: string, isWritable: boolean): FileHandle | 'missing' {
    if (!this.#entries.has(path)) return 'missing';
    return this.#handles.open(path, this.#find('open', path), isWritable);
  }

  #openNew(action: string, path: string): FileHandle {
    this.#checkDirectory(action, path);
    const file = new CrashFile();
    this.#change({ path, entry: file });
    return this.#handles.open(path, file, true);
  }

  #find(action: string, path: string): CrashFile {
    const entry = this.#entries.get(path);
    if (entry === undefined) throw new SystemError('ENOENT', action, path);
    if (entry === 'directory') throw new SystemError('EISDIR', action, path);
    return entry;
  }

  #checkDirectory(action: string, path: string): void {
    if (this.#entries.get(dirname(path)) !== 'directory') {
      throw new SystemError('ENOENT', action, path);
    }
  }
}

function apply(change: NameChange, entries: Map<string, Entry>): void {
  for (const { path, entry } of change) {
    if (entry === undefined) entries.delete(path);
    else entries.set(path, entry);
  }
}
