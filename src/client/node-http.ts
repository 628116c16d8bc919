/**
 * The parts of `node:http` that the client uses. It is not imported, because an import reads all exports of the module,
 * and those for WebSocket load Node's own HTTP client, which costs about 12 MiB and 50 ms.
 *
 * Thread: the program's.
 */

export const { request } = process.getBuiltinModule('node:http');
