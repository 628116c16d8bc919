/** A violation of the house style, and its place. */
export interface Finding {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  readonly what: string;
}
