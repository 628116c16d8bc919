/**
 * One slice of a survey: what it has selected, and how much it may still visit.
 *
 * Bound: `VISITS_MAX` messages and `BYTES_MAX` bytes of messages, and one message; it keeps room for the largest.
 * Thread: pump.
 */

import type {
  ListedMessage,
  MessageFacts,
  MessageState,
  Survey,
} from '../../../shared/message-survey.ts';
import { messageFacts, RecordFilter } from '../../record-filter.ts';
import type { MessageStore } from '../store/message-store.ts';

const VISITS_MAX = 4096;
const BYTES_MAX = 256 * 1024;
/** Room for most messages. */
const RECORD_BYTES = 4096;

/** The part of a listed message that its place knows. */
export type MessageStatus = Omit<ListedMessage, keyof MessageFacts>;

export class SurveySlice {
  readonly survey: Survey;
  readonly messages: ListedMessage[] = [];
  readonly done: string[] = [];
  busyCount = 0;

  readonly #filter: RecordFilter;
  readonly #states: ReadonlySet<MessageState>;
  readonly #store: MessageStore;
  #visitsLeft = VISITS_MAX;
  #bytesLeft = BYTES_MAX;
  #countLeft: number;
  /** The message that is looked at. */
  #record = Buffer.allocUnsafe(RECORD_BYTES);
  /** The ids that were not found yet. */
  readonly #sought: Set<string> | null;

  constructor(survey: Survey, store: MessageStore) {
    this.survey = survey;
    this.#store = store;
    this.#filter = new RecordFilter(survey.filter);
    this.#states = new Set(survey.filter.states);
    this.#countLeft = survey.countMax;
    this.#sought = survey.filter.ids === null ? null : new Set(survey.filter.ids);
  }

  /** Whether the slice ends here. */
  get isOver(): boolean {
    if (this.#sought?.size === 0) return true;
    return this.#visitsLeft <= 0 || this.#bytesLeft <= 0 || this.#countLeft <= 0;
  }

  /** Whether everything that was sought by its id is found. */
  get isComplete(): boolean {
    return this.#sought?.size === 0;
  }

  get countLeft(): number {
    return this.#countLeft;
  }

  /** The ids that are still sought; null for any. */
  get sought(): ReadonlySet<string> | null {
    return this.#sought;
  }

  /** Whether messages in this state are meant. */
  wants(state: MessageState): boolean {
    return this.#states.has(state);
  }

  /** Counts a visited message. Returns what is known of it if it is selected, otherwise null. */
  look(position: number, attempts: number): MessageFacts | null {
    const bytes = this.#store.recordBytes(position);
    this.#visitsLeft--;
    if (bytes > this.#record.length) this.#record = Buffer.allocUnsafe(bytes);
    const record = this.#record;
    const end = this.#store.writeRecord(position, attempts, record, 0);
    if (this.#filter.accepts(record, 0, end)) {
      this.#bytesLeft -= bytes;
      return messageFacts(record, 0, end, this.survey.bodyMax);
    }
    // Bytes that are only compared cost less than bytes that are sent.
    this.#bytesLeft -= bytes >>> 3;
    return null;
  }

  /** A selected message: it is listed, or its work was done. */
  add(facts: MessageFacts, status: MessageStatus): void {
    this.#countLeft--;
    this.#sought?.delete(facts.id);
    if (this.survey.work === 'list') this.messages.push({ ...facts, ...status });
    else this.done.push(facts.id);
  }

  /** The work was done with these. */
  addDone(ids: readonly string[]): void {
    this.#countLeft -= ids.length;
    for (const id of ids) this.#sought?.delete(id);
    this.done.push(...ids);
  }
}
