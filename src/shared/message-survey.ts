/**
 * Surveys: an operator's look at the messages of a topic or of a channel, and what it does with them. A survey visits a
 * bounded number of messages; the next one continues where it ended.
 *
 * Thread: any.
 */

/** Where a message is: it waits for a consumer, it waits until it is due, or a consumer has it. */
export type MessageState = 'ready' | 'deferred' | 'in-flight';

/** Which messages are meant: those that all of these allow. */
export type MessageFilter = {
  readonly states: readonly MessageState[];
  /** Null: any. */
  readonly ids: readonly string[] | null;
  /** Published at this time or later. Units: Unix time in ms, 0 for any. */
  readonly sinceMs: number;
  /** Bytes that the body contains; null: any. */
  readonly match: Uint8Array | null;
};

/** What is done with each message. */
export type MessageWork = 'list' | 'finish' | 'requeue' | 'touch';

/**
 * A place to continue from, as its reader numbers it. Shape: `place` is the index of a place; the numbers are of a
 * message there.
 */
export type SurveyCursor = readonly [place: number, high: number, low: number];

/** The beginning. */
export const FIRST_CURSOR: SurveyCursor = [0, 0, 0];

/** One survey. */
export type Survey = {
  readonly filter: MessageFilter;
  readonly work: MessageWork;
  /** Units: ms; only for requeue, 0 for at once. */
  readonly delayMs: number;
  readonly cursor: SurveyCursor;
  /** Whether messages are looked for in the files before those that were read from there: see `FILES_FIRST`. */
  readonly isFilesFirst: boolean;
  /** Most messages that are selected. */
  readonly countMax: number;
  /** Most bytes of each body that are shown. */
  readonly bodyMax: number;
};

/** A message that a survey has selected, without its state. Units: Unix time in ms; sizes in bytes. */
export type MessageFacts = {
  readonly id: string;
  readonly publishedMs: number;
  readonly attempts: number;
  readonly size: number;
  /** The body, or its first bytes. */
  readonly body: Uint8Array;
};

/** A message as it is listed. Units: Unix time in ms, 0 for none. */
export type ListedMessage = MessageFacts & {
  readonly state: MessageState;
  readonly dueMs: number;
  readonly deadlineMs: number;
  /** The number of the consumer that has it; 0 for none. */
  readonly consumer: number;
  /** Whether its record is in a file. */
  readonly isOnDisk: boolean;
};

/** The result of a survey. */
export type SurveyResult = {
  /** For `list`. */
  readonly messages: readonly ListedMessage[];
  /** The ids of messages with which the work was done; for any other work than `list`. */
  readonly done: readonly string[];
  /** Messages that are on their way to a file, so that the work must be tried again. */
  readonly busyCount: number;
  /** Null at the end. */
  readonly cursor: SurveyCursor | null;
};

/** A survey of one disk queue: of its unread records, or of the records with these numbers. */
export type DiskSurvey = Pick<Survey, 'filter' | 'work' | 'countMax' | 'bodyMax'> & {
  /** Null for the unread records. Otherwise they are listed, whatever their states. */
  readonly numbers: readonly number[] | null;
  /** Where unread records are continued. Units: bytes. */
  readonly segment: number;
  readonly position: number;
  /** Records that are due later are deferred. Units: Unix time in ms. */
  readonly nowMs: number;
  /** When requeued records are due. Units: Unix time in ms, 0 for at once. */
  readonly dueMs: number;
};

/** A record that a survey has selected. Units: `dueMs` Unix time in ms, 0 for at once. */
export type SurveyedRecord = MessageFacts & {
  readonly dueMs: number;
  /** Its number if it was asked for by that, otherwise -1. */
  readonly number: number;
};

/** The result of a survey of a disk queue. */
export type DiskSurveyResult = {
  readonly records: readonly SurveyedRecord[];
  readonly done: readonly string[];
  /** The next unread record; null at the end. */
  readonly next: readonly [segment: number, position: number] | null;
  /** How many of the numbers were looked at, from the first on. */
  readonly covered: number;
};
