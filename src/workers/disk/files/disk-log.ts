/**
 * The log of a disk queue. Its lines travel to main as STATUS records.
 *
 * Thread: disk.
 */

/** Levels of STATUS records. A disk queue logs only warnings and errors. */
export const LOG_WARNING = 3;
export const LOG_ERROR = 4;

/** The severity of a line. */
export type DiskLogLevel = typeof LOG_WARNING | typeof LOG_ERROR;

/** Takes one line, without a full stop or line end. */
export type DiskLog = (level: DiskLogLevel, text: string) => void;
