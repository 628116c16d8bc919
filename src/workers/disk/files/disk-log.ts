/**
 * How a disk queue says what an operator should know; the lines travel to main as STATUS records.
 *
 * Thread: disk.
 */

/** Levels of STATUS records; nothing a disk queue does as it should is worth a line. */
export const LOG_WARNING = 3;
export const LOG_ERROR = 4;

/** How much a line matters. */
export type LogLevel = typeof LOG_WARNING | typeof LOG_ERROR;

/** Takes one line, without a full stop or line end. */
export type DiskLog = (level: LogLevel, text: string) => void;
