/** Something that departs from the house style, and where. */
export interface Finding {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  readonly what: string;
}
