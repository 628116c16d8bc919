/**
 * Gathers the body of a request in one buffer, never more of it than a limit.
 *
 * Thread: main.
 */

import type { IncomingMessage } from 'node:http';

/** What is allocated at first for a body that does not say how long it is. Units: bytes. */
const UNDECLARED_BYTES = 4096;
/** The same for one that does, however long: what a read brings. */
const FIRST_BYTES_MAX = 64 * 1024;
/** Up to here a body's memory is doubled when it is used up. Units: bytes. */
const DOUBLED_BYTES_MAX = 256 * 1024;

/**
 * What became of a body. Shape: `bytes` are the free prefix and the body; of a body beyond the limit they are
 * the part that fits, or nothing of it if it was not looked at.
 */
export type GatheredBody = { readonly bytes: Buffer; readonly isWhole: boolean };

/** How long the body says it is; undefined when it comes in chunks. Units: bytes. */
export function declaredBytes(request: IncomingMessage): number | undefined {
  const declared = request.headers['content-length'];
  if (declared !== undefined) return Number(declared);
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

/**
 * Calls back once, as soon as the last byte is there or the limit is passed. What comes after that is read and
 * dropped, so that the next request on the connection can be read. If the client goes away before, there is no call:
 * nobody is left to be answered.
 *
 * `onPart` is told how much has come whenever there is more to come, and once 0 when that was so and is no more.
 *
 * Units: `prefixBytes` are left free before the body, so that a header can be written there; `limitBytes` counts
 * the body alone.
 */
export function gatherBody(
  request: IncomingMessage,
  prefixBytes: number,
  limitBytes: number,
  onPart: (bytes: number) => void,
  onGathered: (body: GatheredBody) => void,
): void {
  const declared = declaredBytes(request);
  const first = declared ?? Math.min(UNDECLARED_BYTES, limitBytes);
  const firstBytes = first > limitBytes ? 0 : Math.min(first, FIRST_BYTES_MAX);
  let bytes: Buffer = Buffer.allocUnsafe(prefixBytes + firstBytes);
  const mostBytes = prefixBytes + (declared ?? limitBytes);
  let size = prefixBytes;
  let isDone = false;
  let isParted = false;
  const finish = (isWhole: boolean): void => {
    if (isDone) return;
    isDone = true;
    if (isParted) onPart(0);
    onGathered({ bytes: size === bytes.length ? bytes : bytes.subarray(0, size), isWhole });
  };

  if (declared === 0 || first > limitBytes) {
    finish(declared === 0);
    return;
  }
  request.on('data', (chunk: Buffer) => {
    if (isDone) return;
    const room = prefixBytes + limitBytes - size;
    const wanted = Math.min(chunk.length, room);
    if (size + wanted > bytes.length) bytes = grown(bytes, size + wanted, mostBytes);
    bytes.set(wanted === chunk.length ? chunk : chunk.subarray(0, wanted), size);
    size += wanted;
    if (chunk.length > room) finish(false);
    else if (size - prefixBytes === declared) finish(true);
    else {
      isParted = true;
      onPart(size);
    }
  });
  // Many clients that go away in the middle of large bodies would leave more than the garbage collector looks for.
  request.once('close', () => {
    if (!isDone) free(bytes);
    isDone = true;
  });
  // Only a body in chunks ends by saying so.
  if (declared === undefined) request.on('end', () => finish(true));
}

/**
 * At least as many bytes as needed, twice as many as before if that is within the bound. What is large is as large as
 * the bound at once: a copy of megabytes holds others up, and memory is taken only as it is filled.
 */
function grown(bytes: Buffer, neededBytes: number, boundBytes: number): Buffer {
  const wantedBytes = neededBytes > DOUBLED_BYTES_MAX ? boundBytes : 2 * bytes.length;
  const largerBytes = Math.max(neededBytes, Math.min(wantedBytes, boundBytes));
  const larger = Buffer.allocUnsafe(largerBytes);
  larger.set(bytes);
  free(bytes);
  return larger;
}

/** Frees memory at once that nobody else has. */
function free(bytes: Buffer): void {
  const { buffer } = bytes;
  // Small ones are pieces of memory that others have pieces of.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0);
}
