/**
 * What the servers use of `node:http`. It is not imported: an import reads all exports of the module, and those for
 * WebSocket load Node's own HTTP client, which costs 12 MiB and 50 ms at the start.
 *
 * Thread: main.
 */

export const { createServer, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');
