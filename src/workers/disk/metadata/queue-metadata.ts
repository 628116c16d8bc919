/**
 * A disk queue's metadata file: how many records the queue holds, where the oldest begins, and where the next one
 * goes.
 *
 * Shape: ASCII, three lines: depth; read segment, comma, read position; write segment, comma, write position.
 * Units: depth in records, positions in bytes from the start of the segment.
 * Thread: disk.
 * Source: go-diskqueue `retrieveMetaData`/`persistMetaData`.
 */

import { fileError } from '../files/file-error.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { QueueFiles } from '../files/queue-files.ts';

export interface QueueMetadata {
  readonly depth: number;
  readonly readSegment: number;
  readonly readPosition: number;
  readonly writeSegment: number;
  readonly writePosition: number;
}

/** A longer file is not metadata: five numbers of 64 bits take 105 characters. */
const METADATA_BYTES_MAX = 256;

/** nsqd has written negative depths after some crashes; the reader corrects them. */
const METADATA = /^(-?\d+)\n(\d+),(\d+)\n(\d+),(\d+)\n?$/;

/** Parses metadata; undefined if the text has another format. */
export function parseMetadata(text: string): QueueMetadata | undefined {
  const match = METADATA.exec(text);
  if (match === null) return undefined;
  const [depth, readSegment, readPosition, writeSegment, writePosition] = match
    .slice(1)
    .map(Number);
  const metadata = { depth, readSegment, readPosition, writeSegment, writePosition };
  if (!Object.values(metadata).every(Number.isSafeInteger)) return undefined;
  const isReaderAhead =
    readSegment > writeSegment || (readSegment === writeSegment && readPosition > writePosition);
  return isReaderAhead ? undefined : metadata;
}

/** The three lines of the metadata file. */
export function formatMetadata(metadata: QueueMetadata): string {
  const { depth, readSegment, readPosition, writeSegment, writePosition } = metadata;
  return `${depth}\n${readSegment},${readPosition}\n${writeSegment},${writePosition}\n`;
}

/**
 * Reads a queue's metadata. Errors: throws if the file exists and cannot be read; then nothing is known about the
 * queue.
 */
export function readMetadata(
  fileSystem: FileSystem,
  files: QueueFiles,
): QueueMetadata | 'missing' | 'unusable' {
  try {
    const handle = fileSystem.openForReading(files.metadata);
    if (handle === 'missing') return 'missing';
    try {
      const bytes = Buffer.alloc(METADATA_BYTES_MAX);
      const length = fileSystem.read(handle, bytes, 0, bytes.length, 0);
      return parseMetadata(bytes.toString('latin1', 0, length)) ?? 'unusable';
    } finally {
      fileSystem.close(handle);
    }
  } catch (cause) {
    throw fileError('read metadata', files.metadata, cause);
  }
}

/**
 * Replaces the metadata atomically: after a crash it is the old or the new one. After a power loss it is certainly
 * the new one only if the directory was synced.
 *
 * Errors: throws; the old metadata may then still be in place. Repeat the whole call.
 */
export function writeMetadata(
  fileSystem: FileSystem,
  files: QueueFiles,
  metadata: QueueMetadata,
): void {
  try {
    writeTemporary(fileSystem, files.temporary, Buffer.from(formatMetadata(metadata), 'latin1'));
    fileSystem.rename(files.temporary, files.metadata);
  } catch (cause) {
    throw fileError('write metadata', files.metadata, cause);
  }
}

function writeTemporary(fileSystem: FileSystem, path: string, bytes: Buffer): void {
  const handle = fileSystem.createOrEmpty(path);
  try {
    fileSystem.write(handle, bytes, 0, bytes.length, 0);
    // If the rename became durable before the bytes, a crash could leave an empty file under this name.
    fileSystem.sync(handle);
  } finally {
    fileSystem.close(handle);
  }
}
