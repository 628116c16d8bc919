/**
 * What the rings between a pump thread and a disk thread carry. Conventions as in `shared/records.ts`.
 *
 *   append ring  pump → disk   OPEN APPEND READ RELEASE EMPTY_QUEUE CLOSE DELETE END
 *   read ring    disk → pump   OPENED APPENDED RECORDS EMPTIED CLOSED DELETED STATUS
 *
 * Requests of one queue are carried out in the order they were sent, and each but RELEASE and END is answered once, in
 * that order. "Queue" is a number that the pump gives out and never gives twice to this disk thread. "Unread"
 * is how many records are on disk that no RECORDS has shown yet (high, low), as known when the answer was made.
 * "Disk records" are bytes as in a data file: size(4, big-endian), then timestamp(8) attempts(2) id(16) body.
 */

/** Opens a queue's files, or starts afresh. Shape: queue; name (UTF-8, without directory). → OPENED */
export const OPEN = 1;
/**
 * Writes records at the end of a queue: all of them or, on failure, none. Shape: queue, count; disk records.
 * → APPENDED
 */
export const APPEND = 2;
export const APPEND_QUEUE = 0;
export const APPEND_COUNT = 1;
export const APPEND_WORDS = 2;
/**
 * Asks for the next records: at least one if there is one, and up to this many bytes. Shape: queue, bytes. →
 * RECORDS
 */
export const READ = 3;
export const READ_QUEUE = 0;
export const READ_BYTES = 1;
export const READ_WORDS = 2;
/**
 * The oldest records that were read and not yet released are done with: the read position moves. Shape:
 * queue, count.
 */
export const RELEASE = 4;
export const RELEASE_QUEUE = 0;
export const RELEASE_COUNT = 1;
export const RELEASE_WORDS = 2;
/** Drops all records, read ahead or not. Shape: queue. → EMPTIED */
export const EMPTY_QUEUE = 5;
/** Syncs and closes a queue; what was not released is there again at the next OPEN. Shape: queue. → CLOSED */
export const CLOSE = 6;
/** Drops all records and removes the queue's files. Shape: queue. → DELETED */
export const DELETE = 7;

/** The pump asks for nothing more; its queues are closed by now. Shape: no fields. No answer. */
export const END = 8;

/** Index of the queue's number, in every request and answer. */
export const QUEUE = 0;
/** Words of OPEN, EMPTY_QUEUE, CLOSE and DELETE. */
export const QUEUE_WORDS = 1;

/**
 * Shape: queue, ok, unread (high, low); error text (UTF-8) if not ok. Not ok: the queue is unusable until it
 * is closed.
 */
export const OPENED = 16;
/** Shape: as OPENED. Not ok: nothing of the APPEND was kept. */
export const APPENDED = 17;
/** Shape: queue, ok, unread (high, low), count; disk records. Not ok: error text, and the READ may be tried again. */
export const RECORDS = 18;
/** Shape: as OPENED. */
export const EMPTIED = 19;
/** Shape: as OPENED. Not ok: the last sync failed. */
export const CLOSED = 20;
/** Shape: as OPENED. Not ok: files are left over. */
export const DELETED = 21;

/** Words of every answer but RECORDS. */
export const ANSWER_OK = 1;
export const ANSWER_UNREAD = 2;
export const ANSWER_WORDS = 4;
export const RECORDS_COUNT = 4;
export const RECORDS_WORDS = 5;

/** Something to log. Shape: a level (2 info, 3 warning, 4 error); text (UTF-8). */
export const STATUS = 22;
export const STATUS_LEVEL = 0;
export const STATUS_WORDS = 1;
