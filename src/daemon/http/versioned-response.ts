/**
 * Answers a request of HTTP/1.0 in HTTP/1.0, as Go does. Node says 1.1 to everybody, and old clients then expect what
 * they do not get, or refuse the answer.
 *
 * Node has no public way to this. Where its inside is another, the answer stays as Node makes it, which the standard
 * allows.
 *
 * Thread: main. Source: Go's `writeStatusLine`.
 */

import { ServerResponse } from 'node:http';

/** What is not public of a response: it stores what precedes the body, to be sent with the body's first bytes. */
type ResponseInside = { _storeHeader?: (firstLine: string, headers: unknown) => void };

const NODE_VERSION = 'HTTP/1.1 ';
const OLD_VERSION = 'HTTP/1.0 ';

/** What an HTTP server makes its answers with. */
export class VersionedResponse extends ServerResponse {}

// The types tell only what is public.
const inside = VersionedResponse.prototype as unknown as ResponseInside;
const storeHeader = inside._storeHeader;
if (storeHeader !== undefined) {
  inside._storeHeader = function (this: VersionedResponse, firstLine, headers): void {
    const isOld = this.req.httpVersionMinor === 0 && firstLine.startsWith(NODE_VERSION);
    const line = isOld ? OLD_VERSION + firstLine.slice(NODE_VERSION.length) : firstLine;
    storeHeader.call(this, line, headers);
  };
}
