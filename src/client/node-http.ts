/**
 * What the client uses of `node:http`. It is not imported: an import reads all exports of the module, and those for
 * WebSocket load Node's own HTTP client, which costs some 12 MiB and 50 ms.
 *
 * Thread: the program's.
 */

export const { request } = process.getBuiltinModule('node:http');
