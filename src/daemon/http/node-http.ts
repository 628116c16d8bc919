/**
 * The parts of `node:http` that the servers use. It is not imported, because an import reads all exports of the module,
 * and those for WebSocket load Node's own HTTP client, which costs 12 MiB and 50 ms at startup.
 *
 * Thread: main.
 */

export const { createServer, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');
