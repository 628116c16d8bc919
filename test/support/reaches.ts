import { once } from 'node:events';
import { connect } from 'node:net';

/** Whether somebody listens at a port of this machine. */
export async function reaches(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Refused, or the machine has no such address.
    return false;
  } finally {
    socket.destroy();
  }
}
