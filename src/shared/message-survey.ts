/**
 * Surveys: an operator's listing of the messages of a topic or of a channel, or an operation on them. A survey visits a
 * bounded number of messages; the next one continues where it ended.
 *
 * Thread: any.
 */

/** The state of a message: it waits for a consumer, it waits until it is due, or a consumer has it. */
export type MessageState = 'ready' | 'deferred' | 'in-flight';

/** A filter; a message is selected if it meets all conditions. */
export type MessageFilter = {
  readonly states: readonly MessageState[];
  /** Null: any. */
  readonly ids: readonly string[] | null;
  /** Published at this time or later. Units: Unix time in ms, 0 for any. */
  readonly sinceMs: number;
  /** Bytes that the body contains; null: any. */
  readonly match: Uint8Array | null;
};

/** The operation on each selected message. */
export type MessageWork = 'list' | 'finish' | 'requeue' | 'touch';

/**
 * A position to continue from, in the numbering of its reader. Shape: `place` is the index of a place; the numbers
 * identify a message there.
 */
export type SurveyCursor = readonly [place: number, high: number, low: number];

/** The start. */
export const FIRST_CURSOR: SurveyCursor = [0, 0, 0];

/** One survey. */
export type Survey = {
  readonly filter: MessageFilter;
  readonly work: MessageWork;
  /** Units: ms; only for requeue, 0 for at once. */
  readonly delayMs: number;
  readonly cursor: SurveyCursor;
  /** Whether files are searched before the messages that were read from them: see `FILES_FIRST`. */
  readonly isFilesFirst: boolean;
  /** Most messages that are selected. */
  readonly countMax: number;
  /** Most bytes to show of each body. */
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

/** A message in a listing. Units: Unix time in ms, 0 for none. */
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
  /** The ids of the messages on which the operation was performed; only for operations other than `list`. */
  readonly done: readonly string[];
  /** The number of messages that are being written to a file, for which the operation must be retried. */
  readonly busyCount: number;
  /** Null at the end. */
  readonly cursor: SurveyCursor | null;
};

/** A survey of one disk queue: of its unread records, or of the records with these numbers. */
export type DiskSurvey = Pick<Survey, 'filter' | 'work' | 'countMax' | 'bodyMax'> & {
  /** Null for the unread records. Records that are selected by number are listed whatever their states. */
  readonly numbers: readonly number[] | null;
  /** The position from which unread records are read. Units: bytes. */
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
  /** Its number if it was selected by number, otherwise -1. */
  readonly number: number;
};

/** The result of a survey of a disk queue. */
export type DiskSurveyResult = {
  readonly records: readonly SurveyedRecord[];
  readonly done: readonly string[];
  /** The next unread record; null at the end. */
  readonly next: readonly [segment: number, position: number] | null;
  /** The number of record numbers that were examined, from the first on. */
  readonly covered: number;
};
