/**
 * A copy of a disk queue's metadata with a checksum. It distinguishes damaged metadata from metadata that another
 * program, such as nsqd, has written.
 *
 * It is written before the metadata, or after it while the metadata is invalid, and is not synced. So it may be newer
 * than the metadata, or damaged by a crash. It is used only if the metadata is not valid.
 *
 * Shape: the text of the metadata; the text that this metadata replaces, if known; then the checksum of both as eight
 * hex digits, and a newline.
 * Thread: disk.
 */

import { fileError } from '../files/file-error.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import { createSidecar } from '../files/sidecar-directory.ts';
import { dataViewOf, recordChecksum } from '../records/disk-record.ts';
import { parseMetadata, type QueueMetadata } from './queue-metadata.ts';

/** The contents of a copy. */
export interface MetadataCopy {
  readonly metadata: QueueMetadata;
  /** The text of the previous metadata; empty if unknown. */
  readonly previousText: string;
}

/** A longer file is not a copy, see `queue-metadata.ts`. */
const COPY_BYTES_MAX = 600;
const CHECKENTRY_BYTES = 9;

/** One or two texts of metadata. */
const TEXTS = /^((?:.*\n){3})((?:.*\n){3})?$/;

/** Reads the copy; undefined if it is missing or damaged. Errors: throws if it exists and cannot be read. */
export function readMetadataCopy(
  fileSystem: FileSystem,
  files: QueueFiles,
): MetadataCopy | undefined {
  try {
    const handle = fileSystem.openForReading(files.metadataCopy);
    if (handle === 'missing') return undefined;
    try {
      const bytes = Buffer.alloc(COPY_BYTES_MAX);
      const length = fileSystem.read(handle, bytes, 0, bytes.length, 0);
      const end = length - CHECKENTRY_BYTES;
      if (end < 0 || bytes.toString('latin1', end, length) !== checksumLine(bytes, end)) {
        return undefined;
      }
      const [, text = '', previousText = ''] = TEXTS.exec(bytes.toString('latin1', 0, end)) ?? [];
      const metadata = parseMetadata(text);
      return metadata === undefined ? undefined : { metadata, previousText };
    } finally {
      fileSystem.close(handle);
    }
  } catch (cause) {
    throw fileError('read copy of metadata', files.metadataCopy, cause);
  }
}

/** Writes the copy and creates its directory if necessary. Errors: throws; there may then be no copy. */
export function writeMetadataCopy(
  fileSystem: FileSystem,
  files: QueueFiles,
  text: string,
  previousText: string,
): void {
  const bytes = Buffer.from(text + previousText, 'latin1');
  const copy = Buffer.concat([bytes, Buffer.from(checksumLine(bytes, bytes.length), 'latin1')]);
  try {
    const path = files.metadataCopy;
    const handle = createSidecar(fileSystem, path, () => fileSystem.createOrEmpty(path));
    try {
      fileSystem.write(handle, copy, 0, copy.length, 0);
    } finally {
      fileSystem.close(handle);
    }
  } catch (cause) {
    throw fileError('write copy of metadata', files.metadataCopy, cause);
  }
}

function checksumLine(bytes: Uint8Array, end: number): string {
  const checksum = recordChecksum(bytes, dataViewOf(bytes), 0, end);
  return `${checksum.toString(16).padStart(8, '0')}\n`;
}
