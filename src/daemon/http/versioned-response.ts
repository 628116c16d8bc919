/**
 * Answers an HTTP/1.0 request in HTTP/1.0, as Go does. Node always answers with 1.1, and some old clients then wait
 * for more or refuse the answer.
 *
 * Node has no public API for this. If its internals change, the answer stays as Node makes it, which the standard
 * allows.
 *
 * Thread: main. Source: Go's `writeStatusLine`.
 */

import { ServerResponse } from './node-http.ts';

/** A private method of a response: it stores the head, to be sent with the first bytes of the body. */
type ResponseInside = { _storeHeader?: (firstLine: string, headers: unknown) => void };

const NODE_VERSION = 'HTTP/1.1 ';
const OLD_VERSION = 'HTTP/1.0 ';

/** The response class of an HTTP server. */
export class VersionedResponse extends ServerResponse {}

// The types declare only the public API.
const inside = VersionedResponse.prototype as unknown as ResponseInside;
const storeHeader = inside._storeHeader;
if (storeHeader !== undefined) {
  inside._storeHeader = function (this: VersionedResponse, firstLine, headers): void {
    const isOld = this.req.httpVersionMinor === 0 && firstLine.startsWith(NODE_VERSION);
    const line = isOld ? OLD_VERSION + firstLine.slice(NODE_VERSION.length) : firstLine;
    storeHeader.call(this, line, headers);
  };
}
