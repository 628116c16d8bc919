/**
 * Puts lines into datagrams.
 *
 * Thread: any (pure). Source: nsqd `BoundaryBufferedWriter`.
 */

/**
 * Fills each packet with as many whole lines as fit, in order. A line that is too long for a packet gets its own,
 * since half a line would be misread.
 *
 * Units: bytes.
 */
export function packLines(lines: readonly string[], packetBytesMax: number): Buffer[] {
  const packets: Buffer[] = [];
  let text = '';
  let textBytes = 0;
  for (const line of lines) {
    const lineBytes = Buffer.byteLength(line);
    if (textBytes > 0 && textBytes + lineBytes > packetBytesMax) {
      packets.push(Buffer.from(text));
      text = '';
      textBytes = 0;
    }
    text += line;
    textBytes += lineBytes;
  }
  if (textBytes > 0) packets.push(Buffer.from(text));
  return packets;
}
