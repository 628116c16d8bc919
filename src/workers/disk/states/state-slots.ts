/**
 * The layout of one state in a state file.
 *
 * Shape: state(1) zero(1) attempts(2) due(6) checksum of the record(4) check of the bytes before it(2), big-endian;
 * all zero if there is no state.
 * Units: due in Unix ms, 0 for at once.
 * Thread: any.
 */

import { RECORD_BYTES_MIN } from '../records/disk-record.ts';

/** The record is unacked; the state has its attempts and due time. */
export const STATE_UNACKED = 1;
/** The record is finished. */
export const STATE_FINISHED = 2;

/** Bytes of one slot. */
export const SLOT_BYTES = 16;

const ATTEMPTS_MAX = 0xffff;
const DUE_MAX = 2 ** 48 - 1;
const CHECK_SEED = 0x9e37;
/** Odd, so that no change of one word is lost. */
const CHECK_FACTOR = 0x85eb;
const CHECK_OFFSET = SLOT_BYTES - 2;

/** The offset in the state file of the slot for the record at this position of its segment. */
export function slotOffset(position: number): number {
  return Math.floor(position / RECORD_BYTES_MIN) * SLOT_BYTES;
}

/** Writes a state to the slot at `at`. Numbers that are too large are clamped. */
export function writeSlot(
  bytes: Buffer,
  at: number,
  state: number,
  attempts: number,
  dueMs: number,
  checksum: number,
): void {
  bytes[at] = state;
  bytes[at + 1] = 0;
  bytes.writeUInt16BE(Math.min(attempts, ATTEMPTS_MAX), at + 2);
  bytes.writeUIntBE(Math.min(dueMs, DUE_MAX), at + 4, 6);
  bytes.writeUInt32BE(checksum, at + 10);
  bytes.writeUInt16BE(slotCheck(bytes, at), at + CHECK_OFFSET);
}

/** The state in the slot at `at`; 0 if there is none or it is damaged. */
export function slotState(bytes: Buffer, at: number): number {
  const state = bytes[at];
  if (state !== STATE_UNACKED && state !== STATE_FINISHED) return 0;
  return bytes.readUInt16BE(at + CHECK_OFFSET) === slotCheck(bytes, at) ? state : 0;
}

/** How often the record was handed out, from the state at `at`. */
export function slotAttempts(bytes: Buffer, at: number): number {
  return bytes.readUInt16BE(at + 2);
}

/** When the record is due, from the state at `at`. */
export function slotDueMs(bytes: Buffer, at: number): number {
  return bytes.readUIntBE(at + 4, 6);
}

/** The checksum of the record that the state at `at` belongs to. */
export function slotChecksum(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + 10);
}

function slotCheck(bytes: Buffer, at: number): number {
  let check = CHECK_SEED;
  for (let offset = at; offset < at + CHECK_OFFSET; offset += 2) {
    const word = (bytes[offset] << 8) | bytes[offset + 1];
    check = Math.imul(check ^ word, CHECK_FACTOR) & 0xffff;
    check = ((check << 5) | (check >>> 11)) & 0xffff;
  }
  return check;
}
