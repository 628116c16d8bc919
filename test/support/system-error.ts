/** An error as the system reports it. */
export class SystemError extends Error {
  readonly code: string;

  constructor(code: string, action: string, path: string) {
    super(`${code}: ${action} '${path}'`);
    this.code = code;
  }
}
