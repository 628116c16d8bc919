/**
 * The reason why a value given by a user is invalid. It is an expected outcome, so it is returned, not thrown. The
 * caller knows the source of the value (a flag, a key of a file) and puts it before the reason.
 *
 * Thread: any.
 */
export class InvalidValue {
  readonly why: string;
  /** The name of the option in the program, if the value belongs to one. */
  readonly option: string | undefined;

  constructor(why: string, option?: string) {
    this.why = why;
    this.option = option;
  }
}
