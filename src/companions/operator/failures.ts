/**
 * Why an operator's command fails. Each kind has its own exit code, so that scripts can tell them apart. The messages
 * are for the operator.
 *
 * Thread: any.
 */

import {
  BAD_USAGE_CODE,
  DAMAGED_CODE,
  REFUSED_CODE,
  UNCONFIRMED_CODE,
  UNREACHABLE_CODE,
  UNREADABLE_CODE,
} from '../companion.ts';

/** Any of them. */
export abstract class CommandFailure extends Error {
  abstract readonly code: number;
}

/** The broker refuses the request, or what is requested does not exist. */
export class Refused extends CommandFailure {
  readonly code = REFUSED_CODE;
}

/** The command line is invalid. */
export class BadUsage extends CommandFailure {
  readonly code = BAD_USAGE_CODE;
}

/** The broker does not answer. */
export class Unreachable extends CommandFailure {
  readonly code = UNREACHABLE_CODE;
}

/** The operator has not confirmed a command that destroys messages. */
export class Unconfirmed extends CommandFailure {
  readonly code = UNCONFIRMED_CODE;
}

/** The data directory is damaged. */
export class Damaged extends CommandFailure {
  readonly code = DAMAGED_CODE;
}

/** The data directory cannot be read, or not all of it. */
export class Unreadable extends CommandFailure {
  readonly code = UNREADABLE_CODE;
}
