/**
 * Error answers of the TCP protocol.
 *
 * Thread: any. Source: nsq `internal/protocol/errors.go`.
 */

/** Every error code that the broker sends to clients. */
export type ClientErrorCode =
  | 'E_INVALID'
  | 'E_BAD_BODY'
  | 'E_BAD_TOPIC'
  | 'E_BAD_CHANNEL'
  | 'E_BAD_MESSAGE'
  | 'E_BAD_PROTOCOL'
  | 'E_PUB_FAILED'
  | 'E_MPUB_FAILED'
  | 'E_DPUB_FAILED'
  | 'E_SUB_FAILED'
  | 'E_IDENTIFY_FAILED'
  | 'E_AUTH_DISABLED'
  | 'E_AUTH_FAILED'
  | 'E_AUTH_FIRST'
  | 'E_UNAUTHORIZED'
  | 'E_FIN_FAILED'
  | 'E_REQ_FAILED'
  | 'E_TOUCH_FAILED'
  | 'E_TOO_MANY_CONNECTIONS';

/** Codes after which the connection stays open. */
const PASSING: ReadonlySet<ClientErrorCode> = new Set([
  'E_FIN_FAILED',
  'E_REQ_FAILED',
  'E_TOUCH_FAILED',
]);

/** The reason why a command fails, as sent to the client: a value that is returned, never thrown. */
export class ClientError {
  readonly code: ClientErrorCode;
  /** The text after the code on the wire; it may hold bytes as a client sent them. */
  readonly description: Buffer;

  constructor(code: ClientErrorCode, description: string | Buffer) {
    this.code = code;
    this.description = Buffer.isBuffer(description) ? description : Buffer.from(description);
  }

  /** Whether the broker closes the connection after this error. */
  get isFatal(): boolean {
    return !PASSING.has(this.code);
  }

  /** The data of the error frame: code and description, or the code alone if there is no description. */
  get data(): Buffer {
    if (this.description.length === 0) return Buffer.from(this.code);
    return Buffer.concat([Buffer.from(`${this.code} `), this.description]);
  }
}
