/**
 * The records in the rings between a pump thread and a disk thread. Conventions as in `shared/records.ts`.
 *
 *   request ring  pump → disk  OPEN APPEND READ REREAD FINISH UPDATE EMPTY_QUEUE CLOSE DELETE SURVEY
 *                              END
 *   reply ring    disk → pump  OPENED APPENDED RECORDS REREAD_DONE EMPTIED CLOSED DELETED SURVEYED SYNCED WRITABLE
 *                              COMMITTED STATUS
 *
 * Requests of one queue are executed in the order they were sent, and each except FINISH, UPDATE and END is answered
 * once, in that order. "Queue" is a number that the pump assigns and never uses twice with this disk thread.
 *
 * "Disk records" are bytes as in a data file: size(4, big-endian), then timestamp(8) attempts(2) id(16) body.
 * "Unread" are the records on disk that no RECORDS has handed out yet, as known when the answer was made. Records are
 * numbered as they are handed out, from 0 when the queue is opened, modulo 2^32; a record stays on disk until it is
 * finished. A due time is Unix time in ms (high, low), 0 for none.
 */

/** Opens a queue's files, or starts a queue that has none. Shape: queue; name (UTF-8, without directory). → OPENED */
export const OPEN = 1;
/**
 * Appends records to a queue: all of them or, on failure, none. Shape: queue, count, flags; disk records; the due
 * times, if any, after padding to 4 bytes. → APPENDED; with APPEND_IS_SYNCED, if that is ok, → COMMITTED
 */
export const APPEND = 2;
export const APPEND_QUEUE = 0;
export const APPEND_COUNT = 1;
export const APPEND_FLAGS = 2;
/** Flags: there are due times; the pump waits until the records are on stable storage. */
export const APPEND_HAS_DUE = 1;
export const APPEND_IS_SYNCED = 2;
export const APPEND_WORDS = 3;
/**
 * Requests the next records: at least one if there is one, and up to this many bytes. Shape: queue, bytes. → RECORDS
 */
export const READ = 3;
export const READ_QUEUE = 0;
export const READ_BYTES = 1;
export const READ_WORDS = 2;
/**
 * Finishes records, in any order: the read position moves to the oldest unacked one. Shape: queue; then runs of
 * first number, count.
 */
export const FINISH = 4;
export const FINISH_RUNS = 1;
export const FINISH_RUN_WORDS = 2;
/**
 * The states of unacked records, in case they are read again after a crash or a restart. Shape: queue; then entries
 * of number, attempts, due time.
 */
export const UPDATE = 9;
export const UPDATE_ENTRIES = 1;
export const UPDATE_NUMBER = 0;
export const UPDATE_ATTEMPTS = 1;
export const UPDATE_DUE = 2;
export const UPDATE_ENTRY_WORDS = 4;
/**
 * Requests unacked records again: at least the first, and as many of the others as fit into this many bytes.
 * Shape: queue, bytes; then runs as in FINISH. → REREAD_DONE
 */
export const REREAD = 10;
export const REREAD_BYTES = 1;
export const REREAD_RUNS = 2;
/** A survey of a queue's records, which moves no read position. Shape: queue; `DiskSurvey`, encoded. → SURVEYED */
export const SURVEY = 11;
/** Drops all records, handed out or not. Shape: queue. → EMPTIED */
export const EMPTY_QUEUE = 5;
/**
 * Syncs and closes a queue; unacked records are there again at the next OPEN. After an answer that is not ok the
 * queue is still open, and CLOSE may be sent again. Shape: queue. → CLOSED
 */
export const CLOSE = 6;
/** Drops all records and removes the queue's files. Shape: queue. → DELETED */
export const DELETE = 7;

/** The last request of a pump, after its queues are closed. Shape: no fields. No answer. */
export const END = 8;

/** Index of the queue's number, in every request and answer. */
export const QUEUE = 0;
/** Words of OPEN, EMPTY_QUEUE, CLOSE and DELETE. */
export const QUEUE_WORDS = 1;

/**
 * Shape: queue, ok, unread (high, low), their bytes with size fields (high, low), how many of them have a due time;
 * error text (UTF-8) if not ok. Not ok: the queue is unusable until it is closed.
 */
export const OPENED = 16;
/** Shape: as OPENED. Not ok: nothing of the APPEND was kept. */
export const APPENDED = 17;
/**
 * Shape: as OPENED without text; then count, number of the first, 1 if there are due times; disk records; the due
 * times, if any, after padding to 4 bytes. Not ok: error text; the READ may be repeated.
 */
export const RECORDS = 18;
/**
 * Shape: as OPENED without text; then count, how many of the requested records the answer covers, from the first on,
 * and 0; disk records; their numbers, after padding to 4 bytes. Covered records that are not among them are lost. Not
 * ok: as RECORDS.
 */
export const REREAD_DONE = 25;
export const REREAD_DONE_COVERED = 8;
/** Shape: as OPENED. */
export const EMPTIED = 19;
/** Shape: as OPENED. Not ok: the sync failed, and the queue is still open. */
export const CLOSED = 20;
/** Shape: as OPENED. Not ok: files are left over. */
export const DELETED = 21;

/** Shape: as OPENED without text; `DiskSurveyResult`, encoded. Not ok: error text; nothing was done. */
export const SURVEYED = 27;

/** Sent unasked: syncs fail, or succeed again. Shape: as OPENED. Not ok: the last sync failed. */
export const SYNCED = 23;
/** Sent unasked: after a failed APPEND, another one could succeed. Shape: as OPENED, always ok. */
export const WRITABLE = 24;

/**
 * The oldest APPENDs of this link that wait for stable storage, over all queues, have reached it or failed to.
 * Shape: how many, ok; error text (UTF-8) if not ok: the records are in the queue, but a power loss may take them.
 */
export const COMMITTED = 26;
export const COMMITTED_COUNT = 0;
export const COMMITTED_OK = 1;
export const COMMITTED_WORDS = 2;

/** Words of every answer except RECORDS and REREAD_DONE. */
export const ANSWER_OK = 1;
export const ANSWER_UNREAD = 2;
export const ANSWER_UNREAD_BYTES = 4;
export const ANSWER_DEFERRED = 6;
export const ANSWER_WORDS = 7;
export const RECORDS_COUNT = 7;
export const RECORDS_FIRST = 8;
export const RECORDS_HAS_DUE = 9;
export const RECORDS_WORDS = 10;

/** Words of one due time. */
export const DUE_WORDS = 2;

/** Something to log. Shape: a level (2 info, 3 warning, 4 error); text (UTF-8). */
export const STATUS = 22;
export const STATUS_LEVEL = 0;
export const STATUS_WORDS = 1;
