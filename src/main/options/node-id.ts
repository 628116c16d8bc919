/**
 * The default of `--node-id`: nsqd's number for a host's name.
 *
 * Thread: main. Source: nsqd `NewOptions`.
 */

const NODE_IDS = 1024;

/** Units: from 0 to 1023. */
export function defaultNodeId(hostname: string): number {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return crc32(createHash('md5').update(hostname).digest()) % NODE_IDS;
}
