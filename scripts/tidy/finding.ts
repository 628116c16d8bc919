/** A violation of the house style, and its place. */
export interface Finding {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
}
