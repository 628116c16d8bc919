/**
 * Makes a method of the broker throw on request, in a broker in a separate process: a test names the method before the
 * start, and creates a file when it is to throw.
 *
 * Thread: main.
 */

const SOURCE = new URL('../../src/', import.meta.url).href;

/** A method, by its module in `src`, its class and its own name; and whether it is static. */
export type Method = {
  readonly module: string;
  readonly owner: string;
  readonly name: string;
  readonly isStatic?: boolean;
};

/** The exception: one that a sender may have caused, or a bug. */
export type Thrown = 'TypeError' | 'AssertionError';

/**
 * For Node's `--import`: runs before everything else in each thread. While the file exists, the method throws; an
 * `AssertionError` only once in the lifetime of the process.
 */
export function throwingPreload(method: Method, thrown: Thrown, file: string): string {
  const owner = `${method.owner}${method.isStatic === true ? '' : '.prototype'}`;
  // In a bundle the class is a different one.
  const code = `
    process.env['RINGMQ_BUNDLES'] = 'off';
    import { existsSync } from 'node:fs';
    import { ${method.owner} } from ${JSON.stringify(`${SOURCE}${method.module}`)};
    import { AssertionError } from ${JSON.stringify(`${SOURCE}shared/assert.ts`)};
    const whole = ${owner}.${method.name};
    let count = 0;
    ${owner}.${method.name} = function (...given) {
      if (existsSync(${JSON.stringify(file)}) && (${thrown === 'TypeError'} || count++ === 0)) {
        throw new ${thrown}('provoked');
      }
      return whole.apply(this, given);
    };
  `;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
