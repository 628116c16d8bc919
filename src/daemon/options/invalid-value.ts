/**
 * Why a value that somebody typed cannot be used. An expected outcome, so it is returned and not thrown. The caller
 * knows where the value stood (a flag, a key of a file) and puts that before the reason.
 *
 * Thread: any.
 */
export class InvalidValue {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}
