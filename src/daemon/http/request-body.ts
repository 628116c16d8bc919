/**
 * Gathers the body of a request in one buffer, up to a limit.
 *
 * Thread: main.
 */

import type { IncomingMessage } from 'node:http';
import { freeMemory } from '../free-memory.ts';

/** Initial buffer for a body of unknown length. Units: bytes. */
const UNDECLARED_BYTES = 4096;
/** Largest initial buffer for a body of known length: the size of one read. */
const FIRST_BYTES_MAX = 64 * 1024;
/** Up to this size a full buffer is doubled. Units: bytes. */
const DOUBLED_BYTES_MAX = 256 * 1024;

/** Freeing a smaller part takes longer than the garbage collector does. Units: bytes. */
const FREED_BYTES_MIN = 4096;

/**
 * The outcome of gathering. Shape: `bytes` are the free prefix and the body; of a body beyond the limit, the part
 * that fits, or none of it if it was not read.
 */
export type GatheredBody = { readonly bytes: Buffer; readonly isWhole: boolean };

/** The callbacks while a body arrives. */
type BodyCallbacks = {
  /** Wraps a callback for what the client sends: an exception in it disconnects the client. */
  readonly guarded: <Arguments extends readonly unknown[]>(
    callback: (...given: Arguments) => void,
  ) => (...given: Arguments) => void;
  readonly onPart: (bytes: number, partBytes: number) => void;
  readonly onGathered: (body: GatheredBody) => void;
};

/** The declared length of the body; undefined for a chunked body. Units: bytes. */
export function declaredBytes(request: IncomingMessage): number | undefined {
  const declared = request.headers['content-length'];
  if (declared !== undefined) return Number(declared);
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

/**
 * Calls back once, when the last byte has arrived or the limit is exceeded. Later bytes are read and dropped, so that
 * the next request on the connection can be read. If the client disconnects before, there is no call, since there is
 * no one to answer.
 *
 * `onPart` gets the number of bytes so far whenever more follow, and 0 once the body is complete; and how many of them
 * have just come.
 *
 * Units: `prefixBytes` are left free before the body for a header; `limitBytes` counts the body alone.
 */
export function gatherBody(
  request: IncomingMessage,
  prefixBytes: number,
  limitBytes: number,
  { guarded, onPart, onGathered }: BodyCallbacks,
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
    if (isParted) onPart(0, 0);
    onGathered({ bytes: size === bytes.length ? bytes : bytes.subarray(0, size), isWhole });
  };

  if (declared === 0 || first > limitBytes) {
    finish(declared === 0);
    return;
  }
  const onData = guarded((chunk: Buffer) => {
    const { length } = chunk;
    const room = prefixBytes + limitBytes - size;
    if (!isDone) {
      const wanted = Math.min(length, room);
      if (size + wanted > bytes.length) bytes = grown(bytes, size + wanted, mostBytes);
      bytes.set(wanted === length ? chunk : chunk.subarray(0, wanted), size);
      size += wanted;
    }
    // Node's parser has copied it for this request alone.
    if (length >= FREED_BYTES_MIN) freeMemory(chunk);
    if (isDone) return;
    if (length > room) finish(false);
    else if (size - prefixBytes === declared) finish(true);
    else {
      isParted = true;
      onPart(size, length);
    }
  });
  request.on('data', onData);
  // If many clients disconnect during large bodies, the garbage collector frees their memory too late.
  request.once('close', () => {
    if (!isDone) freeMemory(bytes);
    isDone = true;
  });
  // Only a chunked body is completed by the `end` event.
  if (declared === undefined) {
    const onEnd = guarded(() => finish(true));
    request.on('end', onEnd);
  }
}

/**
 * Grows to at least the bytes needed: twice the old size while it is small, and then directly to the bound. Copying
 * megabytes again and again would stall other clients, and the system commits memory only as it is filled.
 */
function grown(bytes: Buffer, neededBytes: number, boundBytes: number): Buffer {
  const wantedBytes = neededBytes > DOUBLED_BYTES_MAX ? boundBytes : 2 * bytes.length;
  const largerBytes = Math.max(neededBytes, Math.min(wantedBytes, boundBytes));
  const larger = Buffer.allocUnsafe(largerBytes);
  larger.set(bytes);
  freeMemory(bytes);
  return larger;
}
