/**
 * The names and versions of this program.
 *
 * Thread: any.
 */

/** The nsqd version whose protocol RingMQ speaks; reported wherever nsqd reports its version. */
export const NSQD_VERSION = '1.3.0';

/** This program's own version, equal to the one in package.json. */
export const RINGMQ_VERSION = '0.2.0';

/** The line that shows the product to people. */
export function productLine(): string {
  return `RingMQ ${RINGMQ_VERSION}, compatible with nsqd v${NSQD_VERSION}`;
}

/** The version line of an original: for `--version`, and as the first line of the log and of text statistics. */
export function versionLine(original = 'nsqd'): string {
  return `${original} v${NSQD_VERSION} (built w/ringmq${RINGMQ_VERSION}/node${process.versions.node})`;
}
