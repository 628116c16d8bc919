/**
 * Two commands share a name: the operator's, which queries one broker over HTTP, and the tool that replaces a program
 * of nsq. A flag of the tool decides, because the operator's command has none of those flags.
 *
 * Thread: main.
 */

import type { Companion } from './companion.ts';

const TOOL_FLAG =
  /^--?(?:topic|nsqd-(?:tcp|http)-address|lookupd-http-address|config|version)(?:=|$)/;

/** Each of the two is loaded on use. */
export function byFlags(
  operator: () => Promise<Companion>,
  tool: () => Promise<Companion>,
): Companion {
  return async (words, context) => {
    const run = await (words.some((word) => TOOL_FLAG.test(word)) ? tool() : operator());
    return await run(words, context);
  };
}
